/* needs: base */
static int8_t *hm_row(int8_t *arena, int32_t tensor, int32_t row)
{
    const hm_place *p = &hm_places[tensor];
    int32_t at = row;
    if (p->period != 0) {
        const int32_t place = row % (int32_t)p->period;
#if HM_HAS_WIDE
        if (p->first >= HM_WIDE) {
            const uint8_t *pair = &hm_patterns[p->first - HM_WIDE + 2 * place];
            return arena + HM_UNIT * ((int32_t)p->base + (int32_t)p->unit * (pair[0] + 256 * pair[1]));
        }
#endif
        at = hm_patterns[p->first + place];
    }
    return arena + HM_UNIT * ((int32_t)p->base + (int32_t)p->unit * at);
}
