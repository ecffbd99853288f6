/* needs: base */
/* Where in the schedule a run is. */
typedef struct {
    const uint8_t *at, *runs; /* the next number, and the first run of the block */
    int32_t times, time, number, run, first, left, operator_number;
} hm_cursor;

static int32_t hm_number(hm_cursor *c)
{
    int32_t number = 0, shift = 0;
    for (; *c->at & 128u; shift += 7) {
        number |= (int32_t)(*c->at++ & 127u) << shift;
    }
    return number | (int32_t)*c->at++ << shift;
}

/* Goes on by one step; returns its operator, or -1 behind the last. */
static int32_t hm_next(hm_cursor *c, int32_t *row)
{
    while (c->left == 0) {
        if (c->run == c->number) {
            c->run = 0;
            if (++c->time < c->times) {
                c->at = c->runs;
            } else {
                c->times = hm_number(c);
                if (c->times == 0) {
                    return -1;
                }
                c->number = hm_number(c);
                c->time = 0;
                c->runs = c->at;
            }
        }
        c->run++;
        c->operator_number = hm_number(c);
        c->first = hm_number(c);
        c->left = hm_number(c);
        c->first += c->times > 1 ? c->time * hm_number(c) : 0;
    }
    c->left--;
    *row = c->first++;
    return c->operator_number;
}

static void hm_begin(hm_cursor *c, const uint8_t *schedule)
{
    c->at = c->runs = schedule;
    c->times = c->time = c->number = c->run = c->first = c->left = c->operator_number = 0;
}
