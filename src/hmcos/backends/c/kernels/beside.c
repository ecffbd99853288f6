/* needs: binary */
/* Columns that lie side by side in both inputs. */
static int32_t hm_beside(const hm_binary *p)
{
    return p->spread ? 1 : p->width;
}
