"""What the kernels need to know of each operator, computed as TensorFlow Lite for Microcontrollers does."""
