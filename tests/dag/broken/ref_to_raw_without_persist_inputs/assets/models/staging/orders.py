def execute(context):
    return []
