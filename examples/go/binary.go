// Package minivault has two clients for minivault, one over the binary protocol (binary.go) and one over HTTP
// (http.go). Each file needs the standard library only and stands alone: copy the one you want.
package minivault

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	opGet, opSet, opDelete, opHealth, opAuth = 0x01, 0x02, 0x03, 0x05, 0x06

	binaryKeyMax   = 65_535
	binaryValueMax = 100 << 20
	restUnseen     = 100 * time.Millisecond // longer, and a connection is looked at before it is used
)

// ErrNoValue is what Get returns where the node has no value to give. The protocol has one error reply and no
// reason in it: the key is absent, or the node refused to read (no key where it asks for one, rate limit).
// Where the difference matters, use HTTP.
var ErrNoValue = errors.New("minivault: no value: the key is absent, or the node refused to read it")

// BinaryError is every other failure of a BinaryClient. Code says what it was:
//
//   - KEY_LENGTH, VALUE_TOO_LARGE, POOL_FULL, CLOSED: nothing was sent
//   - UNAUTHORIZED: the node does not know the authentication key
//   - REFUSED: the node refused without a reason: no key where it needs one, rate limit, full disk
//   - TIMEOUT, CONNECTION, PROTOCOL: no answer, or none that can be read; a write may or may not be done
type BinaryError struct {
	Code  string
	Cause error // what the network said; nil where it said nothing
}

func (e *BinaryError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("minivault: %s: %v", e.Code, e.Cause)
	}
	return "minivault: " + e.Code
}

func (e *BinaryError) Unwrap() error { return e.Cause }

// BinaryOptions are the bounds of a client. Begin with DefaultBinaryOptions and change what you want.
type BinaryOptions struct {
	Connections    int           // at most
	Waiting        int           // calls that may wait for a connection; more fail with POOL_FULL
	ConnectTimeout time.Duration // for a connection to be made
	Timeout        time.Duration // for a whole call: waiting, connecting, sending, receiving
}

// DefaultBinaryOptions are those of NewBinaryClient.
var DefaultBinaryOptions = BinaryOptions{8, 1024, 5 * time.Second, 30 * time.Second}

// BinaryClient is a pool of connections to one node. Goroutines may share it: each call takes one connection,
// or waits for one. A new connection authenticates itself first.
type BinaryClient struct {
	address string
	key     string
	options BinaryOptions
	turns   chan struct{} // holds one entry for each call under way
	waiting chan struct{} // and one for each that waits
	idle    chan *binaryConnection
	closed  atomic.Bool
}

// NewBinaryClient makes a client of the node at addr (host:port). An empty key means no authentication.
func NewBinaryClient(addr, key string) *BinaryClient {
	return NewBinaryClientWith(addr, key, DefaultBinaryOptions)
}

// NewBinaryClientWith is NewBinaryClient with other bounds.
func NewBinaryClientWith(addr, key string, options BinaryOptions) *BinaryClient {
	return &BinaryClient{
		address: addr,
		key:     key,
		options: options,
		turns:   make(chan struct{}, options.Connections),
		waiting: make(chan struct{}, options.Waiting),
		idle:    make(chan *binaryConnection, options.Connections),
	}
}

// Set stores up to 100 MiB under a key of 1 to 65,535 bytes of any kind.
func (c *BinaryClient) Set(key string, value []byte) error {
	if len(value) > binaryValueMax {
		return &BinaryError{Code: "VALUE_TOO_LARGE"}
	}
	head := append(binary.LittleEndian.AppendUint32(nil, uint32(len(value))), 0) // length u32, compressed u8: no
	_, err := c.call(opSet, key, head, value)
	return err
}

// Get returns the value, or ErrNoValue.
func (c *BinaryClient) Get(key string) ([]byte, error) {
	value, err := c.call(opGet, key)
	if isBinaryCode(err, "REFUSED") {
		return nil, ErrNoValue
	}
	return value, err
}

// Delete also succeeds where nothing was there.
func (c *BinaryClient) Delete(key string) error {
	_, err := c.call(opDelete, key)
	return err
}

// SetJSON stores the JSON text of a value.
func (c *BinaryClient) SetJSON(key string, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		err = c.Set(key, text)
	}
	return err
}

// GetJSON reads a value into what into points to; ErrNoValue where there is none.
func (c *BinaryClient) GetJSON(key string, into any) error {
	text, err := c.Get(key)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

// Health is what the node says about itself: status, uptime_seconds, cache_items, cache_size_mb,
// storage_size_mb, memory_mb (MiB) and more. It needs no authentication key, unless a wrong one was given.
func (c *BinaryClient) Health() (health map[string]any, err error) {
	text, err := c.call(opHealth, "health")
	if err == nil {
		err = json.Unmarshal(text, &health)
	}
	return health, err
}

// Close ends the client: calls under way are finished, later ones fail.
func (c *BinaryClient) Close() {
	c.closed.Store(true)
	c.dropIdle()
}

func (c *BinaryClient) call(opcode byte, key string, rest ...[]byte) ([]byte, error) {
	if len(key) < 1 || len(key) > binaryKeyMax {
		return nil, &BinaryError{Code: "KEY_LENGTH"}
	}
	request := append([][]byte{{opcode, byte(len(key)), byte(len(key) >> 8)}, []byte(key)}, rest...)
	deadline := time.Now().Add(c.options.Timeout)
	if err := c.takeTurn(deadline); err != nil {
		return nil, err
	}
	defer func() { <-c.turns }()
	if resting := c.takeIdle(); resting != nil {
		data, err := c.exchange(resting, request, deadline)
		// It may have died while it rested, most likely with all others. Only what changes nothing is sent again:
		// a repeated write could undo what somebody else wrote in between.
		changesNothing := opcode == opGet || opcode == opHealth
		if !changesNothing || !isBinaryCode(err, "CONNECTION") {
			return data, err
		}
		c.dropIdle()
	}
	fresh, err := c.connect(deadline)
	if err != nil {
		return nil, err
	}
	return c.exchange(fresh, request, deadline)
}

func (c *BinaryClient) takeTurn(deadline time.Time) error {
	select {
	case c.turns <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.waiting <- struct{}{}:
		defer func() { <-c.waiting }()
	default:
		return &BinaryError{Code: "POOL_FULL"}
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case c.turns <- struct{}{}:
		return nil
	case <-timer.C:
		return &BinaryError{Code: "TIMEOUT"}
	}
}

// takeIdle returns a resting connection that is alive, or nil.
func (c *BinaryClient) takeIdle() *binaryConnection {
	for {
		select {
		case connection := <-c.idle:
			if connection.isAlive() {
				return connection
			}
			connection.Close()
		default:
			return nil
		}
	}
}

func (c *BinaryClient) dropIdle() {
	for connection := c.takeIdle(); connection != nil; connection = c.takeIdle() {
		connection.Close()
	}
}

func (c *BinaryClient) connect(deadline time.Time) (*binaryConnection, error) {
	if c.closed.Load() {
		return nil, &BinaryError{Code: "CLOSED"}
	}
	dialer := net.Dialer{Timeout: c.options.ConnectTimeout, Deadline: deadline}
	conn, err := dialer.Dial("tcp", c.address) // no delay and keep-alive are Go's defaults
	if err != nil {
		return nil, binaryNetworkError(err)
	}
	connection := &binaryConnection{Conn: conn}
	if c.key == "" {
		return connection, nil
	}
	auth := [][]byte{{opAuth, byte(len(c.key)), byte(len(c.key) >> 8)}, []byte(c.key)}
	if _, err = connection.exchange(auth, deadline); err == nil {
		return connection, nil
	}
	connection.Close()
	if isBinaryCode(err, "REFUSED") {
		err = &BinaryError{Code: "UNAUTHORIZED"}
	}
	return nil, err
}

// exchange keeps the connection for the next call, unless it is broken.
func (c *BinaryClient) exchange(on *binaryConnection, request [][]byte, deadline time.Time) ([]byte, error) {
	data, err := on.exchange(request, deadline)
	if (err != nil && !isBinaryCode(err, "REFUSED")) || c.closed.Load() {
		on.Close()
	} else {
		c.idle <- on // never full: there are no more connections than turns
	}
	return data, err
}

// binaryConnection carries one request at a time.
type binaryConnection struct {
	net.Conn
	usedAt time.Time
}

// exchange sends a request and receives its reply: status u8, length u32, data.
func (c *binaryConnection) exchange(request [][]byte, deadline time.Time) ([]byte, error) {
	c.SetDeadline(deadline)
	parts := append(net.Buffers{}, request...) // WriteTo uses it up, and the request may be sent again
	if _, err := parts.WriteTo(c.Conn); err != nil {
		return nil, binaryNetworkError(err)
	}
	var header [5]byte
	if _, err := io.ReadFull(c, header[:]); err != nil {
		return nil, binaryNetworkError(err)
	}
	length := int64(binary.LittleEndian.Uint32(header[1:]))
	if length > binaryValueMax {
		return nil, &BinaryError{Code: "PROTOCOL"}
	}
	var data bytes.Buffer // grows with what arrives, not by what is announced
	if _, err := io.CopyN(&data, c, length); err != nil {
		return nil, binaryNetworkError(err)
	}
	c.usedAt = time.Now()
	if header[0] != 0 {
		return nil, &BinaryError{Code: "REFUSED"}
	}
	return data.Bytes(), nil
}

// isAlive tells whether a connection that rested for a while has ended: then a read returns at once.
func (c *binaryConnection) isAlive() bool {
	if time.Since(c.usedAt) < restUnseen {
		return true
	}
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func isBinaryCode(err error, code string) bool {
	var failure *BinaryError
	return errors.As(err, &failure) && failure.Code == code
}

func binaryNetworkError(err error) error {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return &BinaryError{Code: "TIMEOUT", Cause: err}
	}
	return &BinaryError{Code: "CONNECTION", Cause: err}
}
