/* needs: patch lines weighted result */
#ifndef HM_LANES
#define HM_LANES 8 /* channels that are summed together */
#endif

/* Adds to HM_LANES sums, of channels from `channel` on, the products under one output pixel. */
static void hm_depthwise_sums(const hm_conv *c, const hm_patch *p, int32_t channel, int32_t *sums)
{
    const hm_window *w = c->window;
    const int32_t offset = c->sums.in_offset, shift = HM_SHIFT(&c->sums), channels = w->out_channels, spread = w->in_channels == 1;
    const int32_t step = w->dilation_x * w->in_channels, place = p->left + p->begin * w->dilation_x;
    int32_t y, x, k;
    for (y = p->above; y < p->below; y++) {
        const int8_t *at = c->sums.weights + (y * w->width + p->begin) * channels + channel;
        const int8_t *in = p->rows[y] + place * w->in_channels + (spread ? 0 : channel);
        for (x = p->begin; x < p->end; x++, in += step, at += channels) {
            if (spread) {
                const int16_t value = (int16_t)(*in + offset);
                for (k = 0; k < HM_LANES; k++) {
                    sums[k] += value * (int16_t)(at[k] + shift);
                }
            } else {
                for (k = 0; k < HM_LANES; k++) {
                    sums[k] += (int16_t)(in[k] + offset) * (int16_t)(at[k] + shift);
                }
            }
        }
    }
}

static int32_t hm_depthwise_sum(const hm_conv *c, const hm_patch *p, int32_t channel)
{
    const hm_window *w = c->window;
    const int32_t times = w->out_channels / w->in_channels, place = p->left + p->begin * w->dilation_x;
    int32_t sum = hm_bias(&c->sums, channel), y, x;
    for (y = p->above; y < p->below; y++) {
        const int8_t *at = c->sums.weights + (y * w->width + p->begin) * w->out_channels + channel;
        const int8_t *in = p->rows[y] + place * w->in_channels + channel / times;
        for (x = p->begin; x < p->end; x++) {
            sum += (*in + c->sums.in_offset) * (*at + HM_SHIFT(&c->sums));
            in += w->dilation_x * w->in_channels;
            at += w->out_channels;
        }
    }
    return sum;
}

/* One output row of a depthwise convolution; rows are as for hm_conv_row. */
static void hm_depthwise_row(const hm_conv *c, const int8_t *const *rows, int32_t above, int32_t below,
                             int8_t *out)
{
    const hm_window *w = c->window;
    const int32_t lanes = w->in_channels == 1 || w->in_channels == w->out_channels;
    hm_patch patch = {rows, above, w->height - below, 0, 0, 0};
    int32_t x, channel, k, sums[HM_LANES];
    for (x = 0; x < w->out_width; x++) {
        hm_move(w, x, &patch);
        channel = 0;
        for (; lanes && channel + HM_LANES <= w->out_channels; channel += HM_LANES) {
            for (k = 0; k < HM_LANES; k++) {
                sums[k] = hm_bias(&c->sums, channel + k);
            }
            hm_depthwise_sums(c, &patch, channel, sums);
            for (k = 0; k < HM_LANES; k++) {
                *out++ = hm_result(&c->sums, channel + k, sums[k]);
            }
        }
        for (; channel < w->out_channels; channel++) {
            *out++ = hm_result(&c->sums, channel, hm_depthwise_sum(c, &patch, channel));
        }
    }
}

static void hm_depthwise_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_conv p = hm_conv_of(o);
    const int8_t *rows[HM_ROWS];
    int32_t above;
    const int32_t below = hm_lines(p.window, arena, o->reads, step, rows, &above);
    hm_depthwise_row(&p, rows, above, below, hm_row(arena, o->makes, step));
}
