def execute(context):
    return (1
