/* needs: patch lines weighted dot4 dot1 result */
/* Adds the products of one output pixel to `number` sums, four or one, of neighbouring output channels. */
static void hm_conv_sums(const hm_conv *c, const hm_patch *p, const int8_t *weights, int32_t number, int32_t *sums)
{
    const hm_window *w = c->window;
    const int32_t channels = w->in_channels, line = w->width * channels, each = w->height * line;
    const int32_t wide = p->end - p->begin, step = w->dilation_x * channels;
    const int32_t pieces = w->dilation_x == 1 ? 1 : wide, length = w->dilation_x == 1 ? wide * channels : channels;
    int32_t y, x;
    for (y = p->above; y < p->below; y++) {
        const int8_t *in = p->rows[y] + (p->left + p->begin * w->dilation_x) * channels;
        const int8_t *at = weights + y * line + p->begin * channels;
        for (x = 0; x < pieces; x++, in += step, at += channels) {
            if (number == 4) {
                hm_dot4(in, at, each, length, &c->sums, sums);
            } else {
                sums[0] = hm_dot1(in, at, length, &c->sums, sums[0]);
            }
        }
    }
}

/* One output row of a convolution; rows[k] is the input under line k of the window, of which `above` at its
   top and `below` at its bottom have none. */
static void hm_conv_row(const hm_conv *c, const int8_t *const *rows, int32_t above, int32_t below, int8_t *out)
{
    const hm_window *w = c->window;
    const int32_t each = w->height * w->width * w->in_channels;
    hm_patch patch = {rows, above, w->height - below, 0, 0, 0};
    int32_t x, channel, k, sums[4];
    for (x = 0; x < w->out_width; x++) {
        hm_move(w, x, &patch);
        for (channel = 0; channel < w->out_channels;) {
            const int32_t number = w->out_channels - channel >= 4 ? 4 : 1;
            for (k = 0; k < number; k++) {
                sums[k] = hm_bias(&c->sums, channel + k);
            }
            hm_conv_sums(c, &patch, c->sums.weights + channel * each, number, sums);
            for (k = 0; k < number; k++, channel++) {
                *out++ = hm_result(&c->sums, channel, sums[k]);
            }
        }
    }
}

static void hm_conv_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_conv p = hm_conv_of(o);
    const int8_t *rows[HM_ROWS];
    int32_t above;
    const int32_t below = hm_lines(p.window, arena, o->reads, step, rows, &above);
    hm_conv_row(&p, rows, above, below, hm_row(arena, o->makes, step));
}
