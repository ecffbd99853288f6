/* needs: window */
/* The columns of the window, from first up to and without the second, that lie in the input. */
static void hm_columns(const hm_window *w, int32_t left, int32_t *begin, int32_t *end)
{
    const int32_t step = w->dilation_x;
    int32_t from = 0, to = w->width;
    if (left < 0) {
        from = (step - 1 - left) / step;
    }
    if (left + (to - 1) * step >= w->in_width) {
        to = (w->in_width - left + step - 1) / step;
    }
    *begin = from;
    *end = to > from ? to : from;
}
