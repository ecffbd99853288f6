/* The functions of the stand-in: loops over every number, that abort on sizes which do not fit together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm_nnfunctions.h"

#define CHECK(holds)                                                                                          \
    do {                                                                                                      \
        if (!(holds)) {                                                                                       \
            fprintf(stderr, "ERROR: %s: %s\n", __func__, #holds);                                             \
            exit(1);                                                                                          \
        }                                                                                                     \
    } while (0)

static int32_t clamped(int32_t value, cmsis_nn_activation to)
{
    return value < to.min ? to.min : value > to.max ? to.max : value;
}

/* value * multiplier * 2^(shift - 31), rounded twice. */
static int32_t scaled(int32_t value, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)value * (INT64_C(1) << (shift > 0 ? shift : 0)) * multiplier;
    const int64_t high = (product + (INT64_C(1) << 30)) >> 31;
    const int64_t half = shift < 0 ? INT64_C(1) << (-shift - 1) : 0;
    if (half == 0) {
        return (int32_t)high;
    }
    return (int32_t)(high >= 0 ? (high + half) >> -shift : -((-high + half) >> -shift));
}

/* What holds of every image of some rows under a window that makes one row; writes over the scratch. */
static void check_window(const cmsis_nn_context *ctx, int32_t scratch, cmsis_nn_tile stride, cmsis_nn_tile padding,
                         const cmsis_nn_dims *in, const int8_t *rows, const cmsis_nn_dims *filter,
                         const cmsis_nn_dims *out, const int8_t *made)
{
    CHECK(ctx->buf != NULL && ctx->size >= scratch);
    CHECK(rows != NULL && made != NULL && in->n == 1);
    CHECK(in->h >= 1 && padding.h >= 0 && padding.h + in->h <= filter->h);
    CHECK(stride.h == 1 && out->h == 1 && padding.w >= 0 && stride.w >= 1);
    memset(ctx->buf, 77, (size_t)scratch);
}

static arm_cmsis_nn_status convolved(const cmsis_nn_dw_conv_params *p, const cmsis_nn_per_channel_quant_params *q,
                                     const cmsis_nn_dims *in, const int8_t *rows, const cmsis_nn_dims *filter,
                                     const int8_t *weights, const int32_t *bias, const cmsis_nn_dims *out,
                                     int8_t *made, int is_depthwise)
{
    int32_t x, o, y, k, c;
    CHECK(p->dilation.h == 1);
    for (x = 0; x < out->w; x++) {
        for (o = 0; o < out->c; o++) {
            int32_t sum = bias ? bias[o] : 0;
            for (y = 0; y < filter->h; y++) {
                for (k = 0; k < filter->w; k++) {
                    const int32_t row = y - p->padding.h;
                    const int32_t column = x * p->stride.w - p->padding.w + k * p->dilation.w;
                    const int8_t *at = rows + (row * in->w + column) * in->c;
                    if (row < 0 || row >= in->h || column < 0 || column >= in->w) {
                        continue;
                    }
                    if (is_depthwise) {
                        sum += (at[o / p->ch_mult] + p->input_offset) * weights[(y * filter->w + k) * out->c + o];
                        continue;
                    }
                    for (c = 0; c < in->c; c++) {
                        sum += (at[c] + p->input_offset) * weights[((o * filter->h + y) * filter->w + k) * in->c + c];
                    }
                }
            }
            sum = scaled(sum, q->multiplier[o], q->shift[o]) + p->output_offset;
            *made++ = (int8_t)clamped(sum, p->activation);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

static arm_cmsis_nn_status convolution(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *p,
                                       const cmsis_nn_per_channel_quant_params *q, const cmsis_nn_dims *in,
                                       const int8_t *rows, const cmsis_nn_dims *filter, const int8_t *weights,
                                       const cmsis_nn_dims *bias_dims, const int32_t *bias, const cmsis_nn_dims *out,
                                       int8_t *made, int32_t scratch)
{
    cmsis_nn_dw_conv_params same;
    same.input_offset = p->input_offset;
    same.output_offset = p->output_offset;
    same.ch_mult = 1;
    same.stride = p->stride;
    same.padding = p->padding;
    same.dilation = p->dilation;
    same.activation = p->activation;
    CHECK(filter->n == out->c && filter->c == in->c && bias_dims->c == out->c);
    check_window(ctx, scratch, p->stride, p->padding, in, rows, filter, out, made);
    return convolved(&same, q, in, rows, filter, weights, bias, out, made, 0);
}

static int32_t columns_of(const cmsis_nn_dims *in, const cmsis_nn_dims *filter)
{
    return 4 * ((filter->h * filter->w * in->c + 3) / 4 * 4);
}

arm_cmsis_nn_status arm_convolve_wrapper_s8(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *p,
    const cmsis_nn_per_channel_quant_params *q, const cmsis_nn_dims *in, const int8_t *rows,
    const cmsis_nn_dims *filter, const int8_t *weights, const cmsis_nn_dims *bias_dims, const int32_t *bias,
    const cmsis_nn_dims *out, int8_t *made)
{
    const int is_point = filter->h == 1 && filter->w == 1;
    if (is_point) { /* the library has functions for that, which know neither padding nor columns left over */
        CHECK(p->padding.w == 0 && p->padding.h == 0 && p->dilation.w == 1);
        CHECK(p->stride.w == 1 ? in->w == out->w : (out->w - 1) * p->stride.w < in->w);
    } else {
        CHECK(filter->h > 1);
    }
    return convolution(ctx, p, q, in, rows, filter, weights, bias_dims, bias, out, made,
                       is_point ? 0 : columns_of(in, filter));
}

arm_cmsis_nn_status arm_convolve_s8(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *p,
    const cmsis_nn_per_channel_quant_params *q, const cmsis_nn_dims *in, const int8_t *rows,
    const cmsis_nn_dims *filter, const int8_t *weights, const cmsis_nn_dims *bias_dims, const int32_t *bias,
    const cmsis_nn_dims *upscale, const cmsis_nn_dims *out, int8_t *made)
{
    CHECK(upscale == NULL);
    return convolution(ctx, p, q, in, rows, filter, weights, bias_dims, bias, out, made, columns_of(in, filter));
}

arm_cmsis_nn_status arm_depthwise_conv_wrapper_s8(const cmsis_nn_context *ctx, const cmsis_nn_dw_conv_params *p,
    const cmsis_nn_per_channel_quant_params *q, const cmsis_nn_dims *in, const int8_t *rows,
    const cmsis_nn_dims *filter, const int8_t *weights, const cmsis_nn_dims *bias_dims, const int32_t *bias,
    const cmsis_nn_dims *out, int8_t *made)
{
    CHECK(filter->n == 1 && filter->c == out->c && bias_dims->c == out->c && p->ch_mult * in->c == out->c);
    check_window(ctx, 0, p->stride, p->padding, in, rows, filter, out, made);
    return convolved(p, q, in, rows, filter, weights, bias, out, made, 1);
}

arm_cmsis_nn_status arm_fully_connected_s8(const cmsis_nn_context *ctx, const cmsis_nn_fc_params *p,
    const cmsis_nn_per_tensor_quant_params *q, const cmsis_nn_dims *in, const int8_t *given,
    const cmsis_nn_dims *filter, const int8_t *weights, const cmsis_nn_dims *bias_dims, const int32_t *bias,
    const cmsis_nn_dims *out, int8_t *made)
{
    int32_t b, o, k;
    CHECK(ctx->buf != NULL && in->h * in->w * in->c == filter->n && in->n == out->n);
    CHECK(filter->c == out->c && bias_dims->c == out->c && p->filter_offset == 0);
    for (b = 0; b < in->n; b++, given += filter->n) {
        for (o = 0; o < out->c; o++) {
            int32_t sum = bias ? bias[o] : 0;
            for (k = 0; k < filter->n; k++) {
                sum += (given[k] + p->input_offset) * weights[o * filter->n + k];
            }
            sum = scaled(sum, q->multiplier, q->shift) + p->output_offset;
            *made++ = (int8_t)clamped(sum, p->activation);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_elementwise_add_s8(const int8_t *a, const int8_t *b, int32_t a_offset, int32_t a_mult,
    int32_t a_shift, int32_t b_offset, int32_t b_mult, int32_t b_shift, int32_t left_shift, int8_t *made,
    int32_t out_offset, int32_t out_mult, int32_t out_shift, int32_t least, int32_t most, int32_t number)
{
    const cmsis_nn_activation to = {least, most};
    int32_t k;
    CHECK(left_shift == 20 && number > 0);
    for (k = 0; k < number; k++) {
        const int32_t x = scaled((a[k] + a_offset) * (1 << left_shift), a_mult, a_shift);
        const int32_t y = scaled((b[k] + b_offset) * (1 << left_shift), b_mult, b_shift);
        made[k] = (int8_t)clamped(scaled(x + y, out_mult, out_shift) + out_offset, to);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_elementwise_mul_s8(const int8_t *a, const int8_t *b, int32_t a_offset, int32_t b_offset,
    int8_t *made, int32_t out_offset, int32_t out_mult, int32_t out_shift, int32_t least, int32_t most,
    int32_t number)
{
    const cmsis_nn_activation to = {least, most};
    int32_t k;
    CHECK(number > 0);
    for (k = 0; k < number; k++) {
        const int32_t product = (a[k] + a_offset) * (b[k] + b_offset);
        made[k] = (int8_t)clamped(scaled(product, out_mult, out_shift) + out_offset, to);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

static arm_cmsis_nn_status pooled(const cmsis_nn_pool_params *p, const cmsis_nn_dims *in, const int8_t *rows,
                                  const cmsis_nn_dims *filter, const cmsis_nn_dims *out, int8_t *made, int is_mean)
{
    int32_t x, c, y, k;
    CHECK(in->c == out->c);
    for (x = 0; x < out->w; x++) {
        for (c = 0; c < out->c; c++) {
            int32_t sum = 0, most = -128, number = 0;
            for (y = p->padding.h; y < filter->h && y - p->padding.h < in->h; y++) {
                for (k = 0; k < filter->w; k++) {
                    const int32_t column = x * p->stride.w - p->padding.w + k;
                    if (column >= 0 && column < in->w) {
                        const int32_t value = rows[((y - p->padding.h) * in->w + column) * in->c + c];
                        sum += value;
                        most = value > most ? value : most;
                        number++;
                    }
                }
            }
            CHECK(number > 0);
            sum = (sum + (sum > 0 ? number / 2 : -(number / 2))) / number;
            *made++ = (int8_t)clamped(is_mean ? sum : most, p->activation);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_max_pool_s8(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *p,
    const cmsis_nn_dims *in, const int8_t *rows, const cmsis_nn_dims *filter, const cmsis_nn_dims *out, int8_t *made)
{
    check_window(ctx, 0, p->stride, p->padding, in, rows, filter, out, made);
    return pooled(p, in, rows, filter, out, made, 0);
}

arm_cmsis_nn_status arm_avgpool_s8(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *p,
    const cmsis_nn_dims *in, const int8_t *rows, const cmsis_nn_dims *filter, const cmsis_nn_dims *out, int8_t *made)
{
    check_window(ctx, 0, p->stride, p->padding, in, rows, filter, out, made);
    return pooled(p, in, rows, filter, out, made, 1);
}
