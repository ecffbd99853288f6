"""What the kernels that TensorFlow Lite for Microcontrollers is built with request from its arena."""
