"""A worker of the namespace and the workflows' file that are given; prints `ready`."""

import asyncio
import importlib.util
import sys

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


async def main(address: str, namespace: str, path: str) -> None:
    spec = importlib.util.spec_from_file_location("caller", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["caller"] = module
    spec.loader.exec_module(module)
    client = await Client.connect(address, namespace=namespace)
    runner = UnsandboxedWorkflowRunner()
    worker = Worker(client, task_queue="Python", workflows=[module.UpdateFromCrm], workflow_runner=runner)
    running = asyncio.create_task(worker.run())
    print("ready", flush=True)
    await running


asyncio.run(main(*sys.argv[1:]))
