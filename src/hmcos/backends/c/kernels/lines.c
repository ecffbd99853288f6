/* needs: window row */
/* The input rows under the window at an output row, as hm_conv_row takes them; returns how many are missing
   below. */
static int32_t hm_lines(const hm_window *w, int8_t *arena, int32_t tensor, int32_t step, const int8_t **rows,
                        int32_t *above)
{
    int32_t k, y = step * w->stride_y - w->pad_y, below = 0;
    *above = 0;
    for (k = 0; k < w->height; k++, y += w->dilation_y) {
        rows[k] = NULL;
        if (y < 0) {
            ++*above;
        } else if (y >= w->in_height) {
            below++;
        } else {
            rows[k] = hm_row(arena, tensor, y);
        }
    }
    return below;
}
