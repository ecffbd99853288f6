"""LiteRT and TensorFlow Lite for Microcontrollers, each run in a child process."""
