"""The whole arena of TensorFlow Lite for Microcontrollers (TFLM), predicted without running it."""
