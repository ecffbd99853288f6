/* needs: cmsis_weighted */
/* One output row of a depthwise convolution, as for hm_cmsis_conv_step. */
static void hm_cmsis_depthwise_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_conv c = hm_conv_of(o);
    const hm_window *w = c.window;
    const hm_strip in = hm_strip_of(w, arena, o->reads, step);
    const cmsis_nn_dims filter = hm_dims(1, w->height, w->width, w->out_channels);
    const cmsis_nn_dims bias = hm_dims(1, 1, 1, w->out_channels), made = hm_dims(1, 1, w->out_width, w->out_channels);
    const cmsis_nn_per_channel_quant_params scales = hm_per_channel(&c.sums);
    cmsis_nn_dw_conv_params p;
    p.input_offset = c.sums.in_offset;
    p.output_offset = c.sums.out_offset;
    p.ch_mult = w->out_channels / w->in_channels;
    p.stride = hm_tile(w->stride_x, 1);
    p.padding = hm_tile(w->pad_x, in.above);
    p.dilation = hm_tile(w->width > 1 ? w->dilation_x : 1, 1);
    p.activation = hm_range(c.sums.least, c.sums.most);
    hm_check(arm_depthwise_conv_wrapper_s8(&in.context, &p, &scales, &in.dims, in.rows, &filter, c.sums.weights,
                                           &bias, c.sums.bias, &made, hm_row(arena, o->makes, step)));
}
