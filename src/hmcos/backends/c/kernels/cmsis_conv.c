/* needs: cmsis_weighted */
/* Whether arm_convolve_wrapper_s8 takes a convolution: its functions for one line know no padding, and no last
   columns that are left over. */
static int32_t hm_is_wrapped(const hm_window *w)
{
    if (w->height > 1) {
        return 1;
    }
    return w->width == 1 && w->pad_x == 0 && (w->out_width - 1) * w->stride_x < w->in_width &&
           (w->stride_x > 1 || w->in_width == w->out_width);
}

/* One output row of a convolution: an image of one row, whose padding is what lies above the input. */
static void hm_cmsis_conv_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_conv c = hm_conv_of(o);
    const hm_window *w = c.window;
    const hm_strip in = hm_strip_of(w, arena, o->reads, step);
    const cmsis_nn_dims filter = hm_dims(w->out_channels, w->height, w->width, w->in_channels);
    const cmsis_nn_dims bias = hm_dims(1, 1, 1, w->out_channels), made = hm_dims(1, 1, w->out_width, w->out_channels);
    const cmsis_nn_per_channel_quant_params scales = hm_per_channel(&c.sums);
    int8_t *out = hm_row(arena, o->makes, step);
    cmsis_nn_conv_params p;
    p.input_offset = c.sums.in_offset;
    p.output_offset = c.sums.out_offset;
    p.stride = hm_tile(w->stride_x, 1);
    p.padding = hm_tile(w->pad_x, in.above);
    p.dilation = hm_tile(w->width > 1 ? w->dilation_x : 1, 1);
    p.activation = hm_range(c.sums.least, c.sums.most);
    if (hm_is_wrapped(w)) {
        hm_check(arm_convolve_wrapper_s8(&in.context, &p, &scales, &in.dims, in.rows, &filter, c.sums.weights, &bias,
                                         c.sums.bias, &made, out));
    } else {
        hm_check(arm_convolve_s8(&in.context, &p, &scales, &in.dims, in.rows, &filter, c.sums.weights, &bias,
                                 c.sums.bias, NULL, &made, out));
    }
}
