/* needs: columns */
/* What of the input is under the window at one output pixel: lines from `above` up to and without `below`, and
   columns from `begin` up to and without `end`; the window's first column is column `left` of the input. */
typedef struct {
    const int8_t *const *rows;
    int32_t above, below, left, begin, end;
} hm_patch;

static void hm_move(const hm_window *w, int32_t x, hm_patch *patch)
{
    patch->left = x * w->stride_x - w->pad_x;
    hm_columns(w, patch->left, &patch->begin, &patch->end);
}
