// What the runtime and agentsafe-bridge say to each other: frames on a stream socket, numbers as this machine has them.
//
//   runtime                                        bridge
//     open  library ──────────────────────────▶
//           ◀─────────────────────── opened | failed text
//     run   steps ────────────────────────────▶    calls functions, in order, until one fails
//           ◀─────────────────────── called function's argument   only from inside a callback, any number of times;
//           run … may come before it is answered
//     give  number ───────────────────────────▶
//           ◀─────────────────────── done stopped, number, text, results
//     end of file ────────────────────────────▶    the bridge ends
//
// A frame is its payload's size (u32), its kind (u8) and the payload. A text is its size (u32), its bytes and a NUL.
// A step is its kind (u8) and, for
//   call: check (u8), cell of the result (u16 or no_cell), function (text), number of arguments (u8), the arguments:
//         a kind (u8) and a number (u64), a text, or a cell's index (u16)
//   word, string: a cell's index (u16)
// The results hold a u64 per call and word, a text per string.
//
// Cells are 64-bit words of the bridge, 0 at first, in which pointers and out parameters stay between the steps.
#pragma once
#include <cstdint>

namespace agentsafe::bridge {

enum class Frame : std::uint8_t { open, run, give, opened, failed, called, done };
enum class Step : std::uint8_t { call, word, string };
enum class Argument : std::uint8_t {
  number,        // an integer, or a pointer to nothing
  text,          // a pointer to its bytes
  cell,          // what the cell holds
  cell_address,  // an out parameter: a pointer to the cell
  callback,      // int (*)(const char*, …): answers what the runtime gives
};
// What ends a run of steps.
enum class Stop : std::uint8_t {
  none,            // all are done
  negative,        // a checked call answered a number below 0
  missing_symbol,  // the library has no such function; the text says so
};
enum class Check : std::uint8_t { none, negative };

inline constexpr std::uint16_t cell_count = 64;
inline constexpr std::uint16_t no_cell = 0xffff;
inline constexpr std::uint8_t most_arguments = 6;  // those that go into registers
inline constexpr std::uint32_t largest_frame = 16U << 20;

}  // namespace agentsafe::bridge
