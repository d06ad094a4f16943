"""Files: storing them, telling who may read them, collecting what nobody refers to."""

from dash_messenger.blobs.blobs import BlobStore, PluginBlobs

__all__ = ["BlobStore", "PluginBlobs"]
