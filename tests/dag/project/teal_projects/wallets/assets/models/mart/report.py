def execute(context):
    return context.input["mart.totals"]
