"""Recording the relations that an attempt has left, once it has ended: nobody waits for that (docs/architecture.md)."""

from collections.abc import Mapping
from dataclasses import dataclass

from dagscope.dag.events.events import NodeRecorded
from dagscope.dag.events.task_log import Emit
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.error_text import error_text, named_error
from dagscope.dag.ground.errors import Cancelled, DagscopeError
from dagscope.dag.project.project import Project
from dagscope.dag.run.node_recording import RelationRecording
from dagscope.dag.run.node_reports import NodeReport

_TOO_LATE = "its relation was not recorded, because another task started, or the server stopped"


@dataclass(frozen=True)
class LeftRelations:
    """The nodes of an attempt that were executed, in order, and the fingerprints of upstreams that were not."""

    project: Project
    relations: RelationRecording
    reports: tuple[NodeReport, ...]
    earlier_fingerprints: Mapping[str, str]
    emit: Emit

    def record(self, cancellation: Cancellation) -> None:
        """Record them, and what was read of them. What is left after a cancellation only has a note that says so."""
        fingerprints = dict(self.earlier_fingerprints)
        for report in self.reports:
            name, recording = report.node.asset_name, report.recording
            recording.read({up: fingerprints.get(up, "") for up in self.project.graph.upstreams[name]})
            if report.facts.has_relation:
                self._record(report, cancellation)
            if recording.kept is not None:
                fingerprints[name] = recording.kept.fingerprint or ""
                self.emit(NodeRecorded(report.log.task_id, report.log.attempt, name, recording.kept))

    def _record(self, report: NodeReport, cancellation: Cancellation) -> None:
        asset = self.project.assets[report.node.asset_name]
        try:
            with self.project.connections[asset.connection].session(cancellation) as session:
                self.relations.record(asset, session, report.facts, report.recording)
        except Cancelled:
            report.recording.has_not(_TOO_LATE)
        except DagscopeError as error:
            report.recording.has_not(error_text(error))
        except Exception as error:  # noqa: BLE001  whatever it is, the attempt has ended well without it
            report.recording.has_not(f"internal error: {named_error(error)}")
