;; xxhash64 of all entries of a commit block, where crc32.wat takes CRC-32: its low half is the checksum.
;; A rival in bench/crc32.ts, no part of the log.
;;
;; one(at, end, seed)    checksum of what lies at [at, end)
;; seal(at, end, seed)   takes the checksums of the entries in [at, end) and writes each where it belongs
(module
  (memory (export "memory") 40)
  (func $hash (param $at i32) (param $end i32) (param $seed i64) (result i64)
    (local $h i64) (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $n i32)
    (local.set $n (i32.sub (local.get $end) (local.get $at)))
    (if
      (i32.ge_u (local.get $n) (i32.const 32))
      (then
        (local.set $a
          (i64.add
            (local.get $seed)
            (i64.add (i64.const 0x9E3779B185EBCA87) (i64.const 0xC2B2AE3D27D4EB4F))))
        (local.set $b (i64.add (local.get $seed) (i64.const 0xC2B2AE3D27D4EB4F)))
        (local.set $c (local.get $seed))
        (local.set $d (i64.sub (local.get $seed) (i64.const 0x9E3779B185EBCA87)))
        (loop $next
          (local.set $a
            (i64.mul
              (i64.rotl
                (i64.add
                  (local.get $a)
                  (i64.mul (i64.load offset=0 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F)))
                (i64.const 31))
              (i64.const 0x9E3779B185EBCA87)))
          (local.set $b
            (i64.mul
              (i64.rotl
                (i64.add
                  (local.get $b)
                  (i64.mul (i64.load offset=8 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F)))
                (i64.const 31))
              (i64.const 0x9E3779B185EBCA87)))
          (local.set $c
            (i64.mul
              (i64.rotl
                (i64.add
                  (local.get $c)
                  (i64.mul (i64.load offset=16 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F)))
                (i64.const 31))
              (i64.const 0x9E3779B185EBCA87)))
          (local.set $d
            (i64.mul
              (i64.rotl
                (i64.add
                  (local.get $d)
                  (i64.mul (i64.load offset=24 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F)))
                (i64.const 31))
              (i64.const 0x9E3779B185EBCA87)))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br_if $next (i32.le_u (i32.add (local.get $at) (i32.const 32)) (local.get $end))))
        (local.set $h
          (i64.add
            (i64.add
              (i64.rotl (local.get $a) (i64.const 1))
              (i64.rotl (local.get $b) (i64.const 7)))
            (i64.add
              (i64.rotl (local.get $c) (i64.const 12))
              (i64.rotl (local.get $d) (i64.const 18)))))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.xor
                (local.get $h)
                (i64.mul
                  (i64.rotl (i64.mul (local.get $a) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31))
                  (i64.const 0x9E3779B185EBCA87)))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.xor
                (local.get $h)
                (i64.mul
                  (i64.rotl (i64.mul (local.get $b) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31))
                  (i64.const 0x9E3779B185EBCA87)))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.xor
                (local.get $h)
                (i64.mul
                  (i64.rotl (i64.mul (local.get $c) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31))
                  (i64.const 0x9E3779B185EBCA87)))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.xor
                (local.get $h)
                (i64.mul
                  (i64.rotl (i64.mul (local.get $d) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31))
                  (i64.const 0x9E3779B185EBCA87)))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63))))
      (else
        (local.set $h (i64.add (local.get $seed) (i64.const 0x27D4EB2F165667C5)))))
    (local.set $h (i64.add (local.get $h) (i64.extend_i32_u (local.get $n))))
    (block $d8
      (loop $n8
        (br_if $d8 (i32.gt_u (i32.add (local.get $at) (i32.const 8)) (local.get $end)))
        (local.set $h
          (i64.add
            (i64.mul
              (i64.rotl
                (i64.xor
                  (local.get $h)
                  (i64.mul
                    (i64.rotl
                      (i64.mul (i64.load offset=0 (local.get $at)) (i64.const 0xC2B2AE3D27D4EB4F))
                      (i64.const 31))
                    (i64.const 0x9E3779B185EBCA87)))
                (i64.const 27))
              (i64.const 0x9E3779B185EBCA87))
            (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $n8)))
    (if
      (i32.le_u (i32.add (local.get $at) (i32.const 4)) (local.get $end))
      (then
        (local.set $h
          (i64.add
            (i64.mul
              (i64.rotl
                (i64.xor
                  (local.get $h)
                  (i64.mul (i64.load32_u (local.get $at)) (i64.const 0x9E3779B185EBCA87)))
                (i64.const 23))
              (i64.const 0xC2B2AE3D27D4EB4F))
            (i64.const 0x165667B19E3779F9)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))))
    (block $d1
      (loop $n1
        (br_if $d1 (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $h
          (i64.mul
            (i64.rotl
              (i64.xor
                (local.get $h)
                (i64.mul (i64.load8_u (local.get $at)) (i64.const 0x27D4EB2F165667C5)))
              (i64.const 11))
            (i64.const 0x9E3779B185EBCA87)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $n1)))
    (local.set $h
      (i64.mul
        (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 33)))
        (i64.const 0xC2B2AE3D27D4EB4F)))
    (local.set $h
      (i64.mul
        (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 29)))
        (i64.const 0x165667B19E3779F9)))
    (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 32))))
  (func (export "one") (param $at i32) (param $end i32) (param $seed i32) (result i32)
    (i32.wrap_i64 (call $hash (local.get $at) (local.get $end) (i64.extend_i32_u (local.get $seed)))))
  (func (export "seal") (param $at i32) (param $end i32) (param $seed i32)
    (local $bytes i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $bytes (i32.load offset=4 (local.get $at)))
        (i32.store
          (local.get $at)
          (i32.wrap_i64
            (call $hash
              (i32.add (local.get $at) (i32.const 4))
              (i32.add (i32.add (local.get $at) (i32.const 8)) (local.get $bytes))
              (i64.extend_i32_u (local.get $seed)))))
        (local.set $bytes (i32.and (i32.add (local.get $bytes) (i32.const 15)) (i32.const -8)))
        (local.set $at (i32.add (local.get $at) (local.get $bytes)))
        (local.set $seed (i32.add (local.get $seed) (local.get $bytes)))
        (br $next)))))
