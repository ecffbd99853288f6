/* needs: cmsis_pool */
/* One output row of the mean under a window. */
static void hm_cmsis_average_pool_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_pool *p = (const hm_pool *)o->params;
    const hm_window *w = p->window;
    const hm_strip in = hm_strip_of(w, arena, o->reads, step);
    const cmsis_nn_pool_params params = hm_pooled(p, in.above);
    const cmsis_nn_dims filter = hm_dims(1, w->height, w->width, 1), made = hm_dims(1, 1, w->out_width, w->in_channels);
    hm_check(arm_avgpool_s8(&in.context, &params, &in.dims, in.rows, &filter, &made, hm_row(arena, o->makes, step)));
}
