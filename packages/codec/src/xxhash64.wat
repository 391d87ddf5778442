;; xxhash64 with seed 0, after https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
;;
;; Memory:  0..31   the four accumulators, so that a caller can keep several unfinished hashes by copying them
;;          32..39  the hash, little-endian: low int32, high int32
;;          64..    the input
;;
;; short(n, a .. g, tail)
;;                     n up to 31, and the bytes as parameters: whole words of 4, little-endian, and the 0..3
;;                     bytes behind them; returns the low half too
;; hash(n)             the n bytes of input
;; reset(), stripes(n), finish(n, lengthLow, lengthHigh)
;;                     the same in pieces: stripes takes a multiple of 32 bytes of input, finish the remaining 0..31 and
;;                     the length of it all
;;
;; Rounds, merges and the end are written out where they are needed: the engine does not inline calls.
(module
  (memory (export "memory") 2)

  (func $reset (export "reset")
    (i64.store (i32.const 0) (i64.const 0x60EA27EEADC0B5D6))  ;; prime 1 + prime 2
    (i64.store (i32.const 8) (i64.const 0xC2B2AE3D27D4EB4F))  ;; prime 2
    (i64.store (i32.const 16) (i64.const 0))
    (i64.store (i32.const 24) (i64.const 0x61C8864E7A143579))) ;; - prime 1

  (func $stripes (export "stripes") (param $n i32)
    (local $at i32) (local $end i32)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64)
    (local.set $at (i32.const 64))
    (local.set $end (i32.add (i32.const 64) (local.get $n)))
    (local.set $a (i64.load (i32.const 0)))
    (local.set $b (i64.load (i32.const 8)))
    (local.set $c (i64.load (i32.const 16)))
    (local.set $d (i64.load (i32.const 24)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $a
          (i64.mul
            (i64.rotl
              (i64.add (local.get $a) (i64.mul (i64.load (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F)))
              (i64.const 31))
            (i64.const 0x9E3779B185EBCA87)))
        (local.set $b
          (i64.mul
            (i64.rotl
              (i64.add (local.get $b) (i64.mul (i64.load offset=8 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F)))
              (i64.const 31))
            (i64.const 0x9E3779B185EBCA87)))
        (local.set $c
          (i64.mul
            (i64.rotl
              (i64.add (local.get $c) (i64.mul (i64.load offset=16 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F)))
              (i64.const 31))
            (i64.const 0x9E3779B185EBCA87)))
        (local.set $d
          (i64.mul
            (i64.rotl
              (i64.add (local.get $d) (i64.mul (i64.load offset=24 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F)))
              (i64.const 31))
            (i64.const 0x9E3779B185EBCA87)))
        (local.set $at (i32.add (local.get $at) (i32.const 32)))
        (br $next)))
    (i64.store (i32.const 0) (local.get $a))
    (i64.store (i32.const 8) (local.get $b))
    (i64.store (i32.const 16) (local.get $c))
    (i64.store (i32.const 24) (local.get $d)))

  ;; The bytes [$at, $end), fewer than 32, and all that makes them the hash of $length bytes.
  (func $tail (param $at i32) (param $end i32) (param $length i64)
    (local $h i64)
    (if (i64.ge_u (local.get $length) (i64.const 32))
      (then
        (local.set $h
          (i64.add
            (i64.add (i64.rotl (i64.load (i32.const 0)) (i64.const 1))
                     (i64.rotl (i64.load (i32.const 8)) (i64.const 7)))
            (i64.add (i64.rotl (i64.load (i32.const 16)) (i64.const 12))
                     (i64.rotl (i64.load (i32.const 24)) (i64.const 18)))))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.xor (local.get $h)
                (i64.mul
                  (i64.rotl
                    (i64.mul (i64.load (i32.const 0)) (i64.const 0xC2B2AE3D27D4EB4F))
                    (i64.const 31))
                  (i64.const 0x9E3779B185EBCA87)))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.xor (local.get $h)
                (i64.mul
                  (i64.rotl
                    (i64.mul (i64.load (i32.const 8)) (i64.const 0xC2B2AE3D27D4EB4F))
                    (i64.const 31))
                  (i64.const 0x9E3779B185EBCA87)))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.xor (local.get $h)
                (i64.mul
                  (i64.rotl
                    (i64.mul (i64.load (i32.const 16)) (i64.const 0xC2B2AE3D27D4EB4F))
                    (i64.const 31))
                  (i64.const 0x9E3779B185EBCA87)))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.xor (local.get $h)
                (i64.mul
                  (i64.rotl
                    (i64.mul (i64.load (i32.const 24)) (i64.const 0xC2B2AE3D27D4EB4F))
                    (i64.const 31))
                  (i64.const 0x9E3779B185EBCA87)))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63))))
      (else (local.set $h (i64.const 0x27D4EB2F165667C5))))
    (local.set $h (i64.add (local.get $h) (local.get $length)))
    (block $eights
      (loop $next
        (br_if $eights (i32.gt_u (i32.add (local.get $at) (i32.const 8)) (local.get $end)))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.rotl
                (i64.xor (local.get $h)
                  (i64.mul
                    (i64.rotl
                      (i64.mul (i64.load (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F))
                      (i64.const 31))
                    (i64.const 0x9E3779B185EBCA87)))
                (i64.const 27))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $next)))
    (if (i32.le_u (i32.add (local.get $at) (i32.const 4)) (local.get $end))
      (then
        (local.set $h
          (i64.add
            (i64.mul
              (i64.rotl
                (i64.xor (local.get $h)
                  (i64.mul (i64.load32_u (local.get $at)) (i64.const 0x9E3779B185EBCA87)))
                (i64.const 23))
              (i64.const 0xC2B2AE3D27D4EB4F))
            (i64.const 0x165667B19E3779F9)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))))
    (block $bytes
      (loop $next
        (br_if $bytes (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $h
          (i64.mul
            (i64.rotl
              (i64.xor (local.get $h)
                (i64.mul (i64.load8_u (local.get $at)) (i64.const 0x27D4EB2F165667C5)))
              (i64.const 11))
            (i64.const 0x9E3779B185EBCA87)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.set $h (i64.mul (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 33)))
                           (i64.const 0xC2B2AE3D27D4EB4F)))
    (local.set $h (i64.mul (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 29)))
                           (i64.const 0x165667B19E3779F9)))
    (i64.store (i32.const 32) (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 32)))))

  (func (export "short") (param $n i32)
    (param $a i32) (param $b i32) (param $c i32) (param $d i32) (param $e i32) (param $f i32) (param $g i32)
    (param $tail i32) (result i32)
    (local $h i64)
    (local.set $h (i64.add (i64.const 0x27D4EB2F165667C5) (i64.extend_i32_u (local.get $n))))
    (if (i32.ge_u (local.get $n) (i32.const 8))
      (then
        (local.set $h
          (i64.add
            (i64.mul
              (i64.rotl
                (i64.xor (local.get $h)
                  (i64.mul
                    (i64.rotl
                      (i64.mul
                        (i64.or (i64.extend_i32_u (local.get $a))
                                (i64.shl (i64.extend_i32_u (local.get $b)) (i64.const 32)))
                        (i64.const 0xC2B2AE3D27D4EB4F))
                      (i64.const 31))
                    (i64.const 0x9E3779B185EBCA87)))
                (i64.const 27))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))))
    (if (i32.ge_u (local.get $n) (i32.const 16))
      (then
        (local.set $h
          (i64.add
            (i64.mul
              (i64.rotl
                (i64.xor (local.get $h)
                  (i64.mul
                    (i64.rotl
                      (i64.mul
                        (i64.or (i64.extend_i32_u (local.get $c))
                                (i64.shl (i64.extend_i32_u (local.get $d)) (i64.const 32)))
                        (i64.const 0xC2B2AE3D27D4EB4F))
                      (i64.const 31))
                    (i64.const 0x9E3779B185EBCA87)))
                (i64.const 27))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))))
    (if (i32.ge_u (local.get $n) (i32.const 24))
      (then
        (local.set $h
          (i64.add
            (i64.mul
              (i64.rotl
                (i64.xor (local.get $h)
                  (i64.mul
                    (i64.rotl
                      (i64.mul
                        (i64.or (i64.extend_i32_u (local.get $e))
                                (i64.shl (i64.extend_i32_u (local.get $f)) (i64.const 32)))
                        (i64.const 0xC2B2AE3D27D4EB4F))
                      (i64.const 31))
                    (i64.const 0x9E3779B185EBCA87)))
                (i64.const 27))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))))
    ;; A number of words that is odd leaves one alone: a, c, e or g.
    (if (i32.and (local.get $n) (i32.const 4))
      (then
        (local.set $h
          (i64.add
            (i64.mul
              (i64.rotl
                (i64.xor (local.get $h)
                  (i64.mul
                    (i64.extend_i32_u
                      (select
                        (select (local.get $g) (local.get $e) (i32.and (local.get $n) (i32.const 8)))
                        (select (local.get $c) (local.get $a) (i32.and (local.get $n) (i32.const 8)))
                        (i32.and (local.get $n) (i32.const 16))))
                    (i64.const 0x9E3779B185EBCA87)))
                (i64.const 23))
              (i64.const 0xC2B2AE3D27D4EB4F))
            (i64.const 0x165667B19E3779F9)))))
    (local.set $n (i32.and (local.get $n) (i32.const 3)))
    (block $bytes
      (loop $next
        (br_if $bytes (i32.eqz (local.get $n)))
        (local.set $h
          (i64.mul
            (i64.rotl
              (i64.xor (local.get $h)
                (i64.mul
                  (i64.extend_i32_u (i32.and (local.get $tail) (i32.const 255)))
                  (i64.const 0x27D4EB2F165667C5)))
              (i64.const 11))
            (i64.const 0x9E3779B185EBCA87)))
        (local.set $tail (i32.shr_u (local.get $tail) (i32.const 8)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (local.set $h (i64.mul (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 33)))
                           (i64.const 0xC2B2AE3D27D4EB4F)))
    (local.set $h (i64.mul (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 29)))
                           (i64.const 0x165667B19E3779F9)))
    (local.set $h (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 32))))
    (i64.store (i32.const 32) (local.get $h))
    (i32.wrap_i64 (local.get $h)))

  (func (export "finish") (param $n i32) (param $lengthLow i32) (param $lengthHigh i32)
    (call $tail (i32.const 64) (i32.add (i32.const 64) (local.get $n))
      (i64.or (i64.extend_i32_u (local.get $lengthLow))
              (i64.shl (i64.extend_i32_u (local.get $lengthHigh)) (i64.const 32)))))

  (func (export "hash") (param $n i32)
    (local $whole i32)
    (local.set $whole (i32.and (local.get $n) (i32.const -32)))
    (if (local.get $whole)
      (then
        (call $reset)
        (call $stripes (local.get $whole))))
    (call $tail (i32.add (i32.const 64) (local.get $whole)) (i32.add (i32.const 64) (local.get $n))
      (i64.extend_i32_u (local.get $n)))))
