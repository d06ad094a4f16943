"""Files: storing them, telling who may read them, collecting what nobody refers to."""

from dash_messenger.blobs.blobs import BlobStore, PluginBlobs
from dash_messenger.gateway.uploads import Uploads

__all__ = ["BlobStore", "PluginBlobs", "Uploads"]
