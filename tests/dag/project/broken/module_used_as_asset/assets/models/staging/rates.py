def run(context):
    return 1
