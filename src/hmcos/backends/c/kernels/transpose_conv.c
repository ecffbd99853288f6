/* needs: row weighted dot1 result */
/* The sum of one output of a transposed convolution: of the inputs that reach it. */
static int32_t hm_transpose_conv_sum(const hm_conv *c, const int8_t *const *rows, int32_t x, int32_t channel)
{
    const hm_window *w = c->window;
    const int32_t channels = w->in_channels;
    int32_t sum = hm_bias(&c->sums, channel), ky, kx;
    for (ky = 0; ky < w->height; ky++) {
        for (kx = 0; rows[ky] && kx < w->width; kx++) {
            const int32_t reach = x + w->pad_x - kx, at = reach / w->stride_x;
            const int8_t *weights = c->sums.weights + ((channel * w->height + ky) * w->width + kx) * channels;
            if (reach >= 0 && at * w->stride_x == reach && at < w->in_width) {
                sum = hm_dot1(rows[ky] + at * channels, weights, channels, &c->sums, sum);
            }
        }
    }
    return sum;
}

/* One output row of a transposed convolution; rows[k] is the input that reaches it by line k of the window,
   or a null pointer. */
static void hm_transpose_conv_row(const hm_conv *c, const int8_t *const *rows, int8_t *out)
{
    const hm_window *w = c->window;
    int32_t x, channel;
    for (x = 0; x < w->out_width; x++) {
        for (channel = 0; channel < w->out_channels; channel++) {
            *out++ = hm_result(&c->sums, channel, hm_transpose_conv_sum(c, rows, x, channel));
        }
    }
}

static void hm_transpose_conv_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_conv p = hm_conv_of(o);
    const hm_window *w = p.window;
    const int8_t *rows[HM_ROWS];
    int32_t k;
    for (k = 0; k < w->height; k++) {
        const int32_t reach = step + w->pad_y - k, y = reach / w->stride_y;
        const int32_t is_there = reach >= 0 && y * w->stride_y == reach && y < w->in_height;
        rows[k] = is_there ? hm_row(arena, o->reads, y) : NULL;
    }
    hm_transpose_conv_row(&p, rows, hm_row(arena, o->makes, step));
}
