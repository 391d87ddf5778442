;; CRC-32 (IEEE 802.3, reflected) in steps of 16, 4 and 1 bytes through 16 tables (slicing, Kounavis and
;; Berry 2005), of one piece or of all entries of a commit block.
;;
;; Memory:  0..16383   the tables, filled by crc32.ts: int32 at 1024 * table + 4 * byte
;;          16384..    the input
;;
;; crc(at, end, seed)    checksum of what lies at [at, end)
;; seal(at, end, seed)   takes the checksums of the entries in [at, end) and writes each where it belongs;
;;                       seed is that of the first
(module
  (memory (export "memory") 4)

  (func $crc (export "crc") (param $at i32) (param $end i32) (param $crc i32) (result i32)
    (local $w0 i32) (local $w1 i32) (local $w2 i32) (local $w3 i32)
    (local.set $crc (i32.xor (local.get $crc) (i32.const -1)))
    (block $done (loop $next
      (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
      (local.set $w0 (i32.xor (i32.load (local.get $at)) (local.get $crc)))
      (local.set $w1 (i32.load offset=4 (local.get $at)))
      (local.set $w2 (i32.load offset=8 (local.get $at)))
      (local.set $w3 (i32.load offset=12 (local.get $at)))
      (local.set $crc
        (i32.xor
          (i32.xor
            (i32.xor
              (i32.xor
                (i32.load offset=3072 (i32.and (i32.shl (local.get $w3) (i32.const 2)) (i32.const 1020)))
                (i32.load offset=2048 (i32.and (i32.shr_u (local.get $w3) (i32.const 6)) (i32.const 1020))))
              (i32.xor
                (i32.load offset=1024 (i32.and (i32.shr_u (local.get $w3) (i32.const 14)) (i32.const 1020)))
                (i32.load offset=0 (i32.and (i32.shr_u (local.get $w3) (i32.const 22)) (i32.const 1020)))))
            (i32.xor
              (i32.xor
                (i32.load offset=7168 (i32.and (i32.shl (local.get $w2) (i32.const 2)) (i32.const 1020)))
                (i32.load offset=6144 (i32.and (i32.shr_u (local.get $w2) (i32.const 6)) (i32.const 1020))))
              (i32.xor
                (i32.load offset=5120 (i32.and (i32.shr_u (local.get $w2) (i32.const 14)) (i32.const 1020)))
                (i32.load offset=4096 (i32.and (i32.shr_u (local.get $w2) (i32.const 22)) (i32.const 1020))))))
          (i32.xor
            (i32.xor
              (i32.xor
                (i32.load offset=11264 (i32.and (i32.shl (local.get $w1) (i32.const 2)) (i32.const 1020)))
                (i32.load offset=10240 (i32.and (i32.shr_u (local.get $w1) (i32.const 6)) (i32.const 1020))))
              (i32.xor
                (i32.load offset=9216 (i32.and (i32.shr_u (local.get $w1) (i32.const 14)) (i32.const 1020)))
                (i32.load offset=8192 (i32.and (i32.shr_u (local.get $w1) (i32.const 22)) (i32.const 1020)))))
            (i32.xor
              (i32.xor
                (i32.load offset=15360 (i32.and (i32.shl (local.get $w0) (i32.const 2)) (i32.const 1020)))
                (i32.load offset=14336 (i32.and (i32.shr_u (local.get $w0) (i32.const 6)) (i32.const 1020))))
              (i32.xor
                (i32.load offset=13312 (i32.and (i32.shr_u (local.get $w0) (i32.const 14)) (i32.const 1020)))
                (i32.load offset=12288 (i32.and (i32.shr_u (local.get $w0) (i32.const 22)) (i32.const 1020))))))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $next)))
    (block $done (loop $next
      (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 4)) (local.get $end)))
      (local.set $w0 (i32.xor (i32.load (local.get $at)) (local.get $crc)))
      (local.set $crc
        (i32.xor
          (i32.xor
            (i32.load offset=3072 (i32.and (i32.shl (local.get $w0) (i32.const 2)) (i32.const 1020)))
            (i32.load offset=2048 (i32.and (i32.shr_u (local.get $w0) (i32.const 6)) (i32.const 1020))))
          (i32.xor
            (i32.load offset=1024 (i32.and (i32.shr_u (local.get $w0) (i32.const 14)) (i32.const 1020)))
            (i32.load offset=0 (i32.and (i32.shr_u (local.get $w0) (i32.const 22)) (i32.const 1020))))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br $next)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $w0 (i32.xor (local.get $crc) (i32.load8_u (local.get $at))))
      (local.set $crc
        (i32.xor
          (i32.shr_u (local.get $crc) (i32.const 8))
          (i32.load offset=0 (i32.and (i32.shl (local.get $w0) (i32.const 2)) (i32.const 1020)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    (i32.xor (local.get $crc) (i32.const -1)))

  (func (export "seal") (param $at i32) (param $end i32) (param $seed i32)
    (local $bytes i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $bytes (i32.load offset=4 (local.get $at)))
      (i32.store (local.get $at)
        (call $crc
          (i32.add (local.get $at) (i32.const 4))
          (i32.add (i32.add (local.get $at) (i32.const 8)) (local.get $bytes))
          (local.get $seed)))
      (local.set $bytes (i32.and (i32.add (local.get $bytes) (i32.const 15)) (i32.const -8)))
      (local.set $at (i32.add (local.get $at) (local.get $bytes)))
      (local.set $seed (i32.add (local.get $seed) (local.get $bytes)))
      (br $next)))))
