"""What the extension brings to Metaflow; the code is beside this folder."""

STEP_DECORATORS_DESC = [
    ("worker_pool", "metaflow_extensions.worker_pool.decorator.WorkerPoolDecorator")
]
