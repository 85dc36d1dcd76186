"""Versioned files, blobs, access rules."""
