LIMIT = 3


def execute(context, limit):
    return limit
