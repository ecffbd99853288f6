/* needs: cmsis_window weighted */
/* CMSIS-NN has these pointers without const, but only reads what they point to. */
static cmsis_nn_per_channel_quant_params hm_per_channel(const hm_sums *q)
{
    cmsis_nn_per_channel_quant_params found;
    found.multiplier = (int32_t *)q->multipliers;
    found.shift = (int32_t *)q->shifts;
    return found;
}
