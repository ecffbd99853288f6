/* needs: base */
static int8_t *hm_row(int8_t *arena, int32_t tensor, int32_t row)
{
    const hm_place *p = &hm_places[tensor];
    const hm_form *f = &hm_forms[hm_form_of[tensor]];
    int32_t at = row;
    if (f->period != 0) {
        const uint32_t bit = (uint32_t)row % f->period * f->bits;
        const uint8_t *b = &hm_patterns[p->first + bit / 8];
        uint32_t bits = b[0] | (uint32_t)b[1] << 8;
#if HM_HAS_WIDE
        bits |= (uint32_t)b[2] << 16;
#endif
        at = (int32_t)(bits >> bit % 8 & ((UINT32_C(1) << f->bits) - 1));
    }
    return arena + HM_UNIT * ((int32_t)p->base + (int32_t)f->unit * at);
}
