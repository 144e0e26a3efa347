"""Makes photos better with unpaired photo-enhancement GANs, exactly, at any size."""

__version__ = "0.1.0"
