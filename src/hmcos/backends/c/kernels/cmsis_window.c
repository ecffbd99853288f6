/* needs: window row cmsis */
/* The input rows under a window as CMSIS-NN takes them, one behind the other, and what of the scratch is left. */
typedef struct {
    const int8_t *rows;
    cmsis_nn_dims dims;
    int32_t above; /* rows of the window that lie above the input */
    cmsis_nn_context context;
} hm_strip;

static cmsis_nn_tile hm_tile(int32_t w, int32_t h)
{
    cmsis_nn_tile found;
    found.w = w;
    found.h = h;
    return found;
}

/* Rows that do not lie side by side are copied into the scratch; those between the lines of a dilated window are
   left out, so for CMSIS-NN it is not dilated downwards. */
static hm_strip hm_strip_of(const hm_window *w, int8_t *arena, int32_t tensor, int32_t step)
{
    const int32_t size = w->in_width * w->in_channels, by = w->dilation_y, top = step * w->stride_y - w->pad_y;
    const int32_t above = top < 0 ? (by - 1 - top) / by : 0, lines = (w->in_height - top + by - 1) / by;
    const int32_t number = (lines < w->height ? lines : w->height) - above, first = top + above * by;
    hm_strip found;
    int32_t used = 0, k;
    found.rows = hm_row(arena, tensor, first);
    for (k = 1; k < number; k++) {
        if (hm_row(arena, tensor, first + k * by) != found.rows + k * size) {
            used = (number * size + 7) / 8 * 8;
        }
    }
    if (used) {
        for (k = 0; k < number; k++) {
            memcpy(hm_scratch.bytes + k * size, hm_row(arena, tensor, first + k * by), (size_t)size);
        }
        found.rows = hm_scratch.bytes;
    }
    found.dims = hm_dims(1, number, w->in_width, w->in_channels);
    found.above = above;
    found.context = hm_context(used);
    return found;
}
