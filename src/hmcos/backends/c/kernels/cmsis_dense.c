/* needs: cmsis dense_params row */
/* One output row of a fully connected operator: a batch of its pixels. */
static void hm_cmsis_dense_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_dense *d = (const hm_dense *)o->params;
    const hm_sums q = hm_sums_of(o);
    const cmsis_nn_dims in = hm_dims(d->pixels, 1, 1, d->length), filter = hm_dims(d->length, 1, 1, d->out_channels);
    const cmsis_nn_dims bias = hm_dims(1, 1, 1, d->out_channels), made = hm_dims(d->pixels, 1, 1, d->out_channels);
    const cmsis_nn_context context = hm_context(0);
    cmsis_nn_per_tensor_quant_params scale;
    cmsis_nn_fc_params p;
    scale.multiplier = q.multipliers[0];
    scale.shift = q.shifts[0];
    p.input_offset = q.in_offset;
    p.filter_offset = 0;
    p.output_offset = q.out_offset;
    p.activation = hm_range(q.least, q.most);
#if defined(ARM_MATH_MVEI)
    hm_check(arm_vector_sum_s8((int32_t *)context.buf, d->length, d->out_channels, q.weights, q.in_offset, 0, q.bias));
#endif
    hm_check(arm_fully_connected_s8(&context, &p, &scale, &in, hm_row(arena, o->reads, step), &filter, q.weights,
                                    &bias, q.bias, &made, hm_row(arena, o->makes, step)));
}
