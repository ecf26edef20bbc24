"""An unexpected error that was raised in another process."""

import traceback

from dagscope.dag.ground.error_text import class_name, named_error


class CarriedFault(Exception):
    """What is left of such an error: the name of its class, and its traceback as Python prints it."""

    def __init__(self, error_class: str, shown: str) -> None:
        super().__init__(error_class, shown)
        self.error_class, self.shown = error_class, shown

    def __str__(self) -> str:
        return self.error_class  # a text that reaches clients has no traceback

    @classmethod
    def of(cls, error: BaseException) -> "CarriedFault":
        """What another process can be sent of the error."""
        if isinstance(error, CarriedFault):
            return error
        try:
            shown = "".join(traceback.format_exception(error)).rstrip("\n")
        except BaseException:  # noqa: BLE001  the code of an unknown class, which may even raise SystemExit
            shown = named_error(error)
        return cls(class_name(error), shown)
