"""Small objects beside what Metaflow keeps of a task, in whichever object store that is.

Metaflow's own storage cannot create something only if it is not there, which is what makes a claim.
Only S3 has been run; Azure and Google are written from their documentation.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THERE = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
GONE = frozenset({"NoSuchKey", "404"})


class Objects(Protocol):
    """Objects below the root of a datastore, named by their path in it."""

    def create(self, path: str, data: bytes) -> bool:
        """Write it if there is none; False if there is."""
        ...

    def write(self, path: str, data: bytes) -> None: ...

    def read(self, path: str) -> bytes | None: ...


class S3:
    """Needs a store that heeds `If-None-Match: *`, as S3 has since 2024."""

    def __init__(self, root: str, client: Any = None) -> None:
        self._bucket, _, self._prefix = root.removeprefix("s3://").partition("/")
        self._client = client or _s3_client()

    def _place(self, path: str) -> Mapping[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix.rstrip('/')}/{path}".lstrip("/")}

    def create(self, path: str, data: bytes) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._client.put_object(**self._place(path), Body=data, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] in THERE:
                return False
            raise
        return True

    def write(self, path: str, data: bytes) -> None:
        self._client.put_object(**self._place(path), Body=data)

    def read(self, path: str) -> bytes | None:
        from botocore.exceptions import ClientError

        try:
            found: bytes = self._client.get_object(**self._place(path))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise
        return found


def _s3_client() -> Any:
    """Make a client as Metaflow does."""
    from metaflow.plugins.datatools.s3.s3util import get_s3_client

    return get_s3_client()[0]


class Azure:
    """Blobs of a container."""

    def __init__(self, root: str) -> None:
        from metaflow.plugins.azure.azure_utils import parse_azure_full_path
        from metaflow.plugins.azure.blob_service_client_factory import (
            get_azure_blob_service_client,
        )

        self._container, self._prefix = parse_azure_full_path(root)
        self._service: Any = get_azure_blob_service_client()

    def _blob(self, path: str) -> Any:
        return self._service.get_blob_client(self._container, f"{self._prefix}/{path}")

    def create(self, path: str, data: bytes) -> bool:
        from azure.core.exceptions import ResourceExistsError

        try:
            self._blob(path).upload_blob(data, overwrite=False)
        except ResourceExistsError:
            return False
        return True

    def write(self, path: str, data: bytes) -> None:
        self._blob(path).upload_blob(data, overwrite=True)

    def read(self, path: str) -> bytes | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            found: bytes = self._blob(path).download_blob().readall()
        except ResourceNotFoundError:
            return None
        return found


class Google:
    """Objects of a bucket."""

    def __init__(self, root: str) -> None:
        from metaflow.plugins.gcp.gs_storage_client_factory import get_gs_storage_client
        from metaflow.plugins.gcp.gs_utils import parse_gs_full_path

        bucket, self._prefix = parse_gs_full_path(root)
        self._bucket: Any = get_gs_storage_client().bucket(bucket)

    def _blob(self, path: str) -> Any:
        return self._bucket.blob(f"{self._prefix}/{path}")

    def create(self, path: str, data: bytes) -> bool:
        from google.api_core.exceptions import PreconditionFailed

        try:
            self._blob(path).upload_from_string(data, if_generation_match=0)
        except PreconditionFailed:
            return False
        return True

    def write(self, path: str, data: bytes) -> None:
        self._blob(path).upload_from_string(data)

    def read(self, path: str) -> bytes | None:
        from google.api_core.exceptions import NotFound

        try:
            found: bytes = self._blob(path).download_as_bytes()
        except NotFound:
            return None
        return found


KINDS: Mapping[str, Callable[[str], Objects]] = {"s3": S3, "azure": Azure, "gs": Google}


def of(datastore: str, root: str) -> Objects:
    """Open the objects of a datastore of this type."""
    return KINDS[datastore](root)


def here() -> Objects:
    """Open those of the datastore that this task was given.

    A task's environment says all that Metaflow's configuration does, so that Metaflow itself need
    not be loaded where its way to a client is boto3's.
    """
    datastore, root = os.environ["MF_DATASTORE"], os.environ["MF_DATASTORE_ROOT"]
    plain = os.environ.get("METAFLOW_DEFAULT_AWS_CLIENT_PROVIDER", "boto3") == "boto3"
    if datastore != "s3" or not plain:
        return of(datastore, root)
    import boto3

    endpoint = os.environ.get("METAFLOW_S3_ENDPOINT_URL") or None
    return S3(root, boto3.client("s3", endpoint_url=endpoint))
