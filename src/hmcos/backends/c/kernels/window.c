/* How an operator's window slides over its input, and the sizes of both. */
typedef struct {
    uint16_t in_height, in_width, in_channels, out_width, out_channels;
    uint8_t height, width, stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
} hm_window;
