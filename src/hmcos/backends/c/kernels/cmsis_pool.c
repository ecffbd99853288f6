/* needs: cmsis_window pool_params */
static cmsis_nn_pool_params hm_pooled(const hm_pool *p, int32_t above)
{
    cmsis_nn_pool_params found;
    found.stride = hm_tile(p->window->stride_x, 1);
    found.padding = hm_tile(p->window->pad_x, above);
    found.activation = hm_range(p->least, p->most);
    return found;
}
