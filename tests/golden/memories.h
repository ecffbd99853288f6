/* Memory plan for 2 memories, made by hmcos. 128 bytes are read and
   written outside of the first one in a run, proved least for this order. */
#ifndef NET_ARENA_H
#define NET_ARENA_H

#define NET_ARENA_ALIGNMENT 1

#ifdef __cplusplus
#define NET_ALIGNED alignas(NET_ARENA_ALIGNMENT)
#define NET_ASSERT(condition, message) static_assert(condition, message)
#else
#define NET_ALIGNED _Alignas(NET_ARENA_ALIGNMENT)
#define NET_ASSERT(condition, message) _Static_assert(condition, message)
#endif

#define NET_BLOCK_SRAM 0
#define NET_BYTES_SRAM 64ULL
#define NET_CAPACITY_SRAM 80ULL
NET_ASSERT(NET_BYTES_SRAM <= NET_CAPACITY_SRAM,
    "SRAM is too small");
/* Use: NET_ALIGNED static unsigned char net_sram[NET_BYTES_SRAM]; */

#define NET_BLOCK_PSRAM 1
#define NET_BYTES_PSRAM 32ULL
/* Use: NET_ALIGNED static unsigned char net_psram[NET_BYTES_PSRAM]; */

#define NET_MEMORY_X NET_BLOCK_SRAM
#define NET_OFFSET_X 32ULL
#define NET_SIZE_X 32ULL
NET_ASSERT(NET_OFFSET_X + NET_SIZE_X <= NET_BYTES_SRAM,
    "X ends outside its memory");

#define NET_MEMORY_A NET_BLOCK_SRAM
#define NET_OFFSET_A 0ULL
#define NET_SIZE_A 32ULL
NET_ASSERT(NET_OFFSET_A + NET_SIZE_A <= NET_BYTES_SRAM,
    "A ends outside its memory");

#define NET_MEMORY_B NET_BLOCK_SRAM
#define NET_OFFSET_B 32ULL
#define NET_SIZE_B 32ULL
NET_ASSERT(NET_OFFSET_B + NET_SIZE_B <= NET_BYTES_SRAM,
    "B ends outside its memory");

#define NET_MEMORY_D NET_BLOCK_PSRAM
#define NET_OFFSET_D 0ULL
#define NET_SIZE_D 32ULL
NET_ASSERT(NET_OFFSET_D + NET_SIZE_D <= NET_BYTES_PSRAM,
    "D ends outside its memory");

#define NET_MEMORY_E NET_BLOCK_SRAM
#define NET_OFFSET_E 0ULL
#define NET_SIZE_E 32ULL
NET_ASSERT(NET_OFFSET_E + NET_SIZE_E <= NET_BYTES_SRAM,
    "E ends outside its memory");

#define NET_MEMORY_C NET_BLOCK_PSRAM
#define NET_OFFSET_C 0ULL
#define NET_SIZE_C 32ULL
NET_ASSERT(NET_OFFSET_C + NET_SIZE_C <= NET_BYTES_PSRAM,
    "C ends outside its memory");

#define NET_MEMORY_Y NET_BLOCK_SRAM
#define NET_OFFSET_Y 32ULL
#define NET_SIZE_Y 32ULL
NET_ASSERT(NET_OFFSET_Y + NET_SIZE_Y <= NET_BYTES_SRAM,
    "Y ends outside its memory");

#undef NET_ASSERT
#endif  /* NET_ARENA_H */
