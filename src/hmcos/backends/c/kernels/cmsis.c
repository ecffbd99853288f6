/* needs: cmsis_check */
/* What CMSIS-NN needs beside the arena while it computes a row. */
static HM_SCRATCH_RAM union {
    int8_t bytes[HM_SCRATCH_BYTES];
    int64_t aligned;
} hm_scratch;

static cmsis_nn_dims hm_dims(int32_t n, int32_t h, int32_t w, int32_t c)
{
    cmsis_nn_dims found;
    found.n = n;
    found.h = h;
    found.w = w;
    found.c = c;
    return found;
}

static cmsis_nn_activation hm_range(int32_t least, int32_t most)
{
    cmsis_nn_activation found;
    found.min = least;
    found.max = most;
    return found;
}

static cmsis_nn_context hm_context(int32_t used)
{
    cmsis_nn_context found;
    found.buf = hm_scratch.bytes + used;
    found.size = HM_SCRATCH_BYTES - used;
    return found;
}
