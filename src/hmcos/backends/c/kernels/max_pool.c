/* needs: pool clamp */
/* One output row of the greatest under a window; rows are as for hm_conv_row. */
static void hm_max_pool_row(const hm_pool *p, const int8_t *const *rows, int32_t above, int32_t below, int8_t *out)
{
    const hm_window *w = p->window;
    const int32_t channels = w->in_channels;
    int32_t x, y, k, c, begin, end;
    for (x = 0; x < w->out_width; x++, out += channels) {
        const int32_t left = x * w->stride_x - w->pad_x;
        hm_columns(w, left, &begin, &end);
        for (c = 0; c < channels; c++) {
            out[c] = -128;
        }
        for (y = above; y < w->height - below; y++) {
            const int8_t *in = rows[y] + (left + begin) * channels;
            for (k = begin; k < end; k++, in += channels) {
                for (c = 0; c < channels; c++) {
                    out[c] = in[c] > out[c] ? in[c] : out[c];
                }
            }
        }
        for (c = 0; c < channels; c++) {
            out[c] = hm_clamp(out[c], p->least, p->most);
        }
    }
}

static void hm_max_pool_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_pool *p = (const hm_pool *)o->params;
    const int8_t *rows[HM_ROWS];
    int32_t above;
    const int32_t below = hm_lines(p->window, arena, o->reads, step, rows, &above);
    hm_max_pool_row(p, rows, above, below, hm_row(arena, o->makes, step));
}
