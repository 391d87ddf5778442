package minivault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	httpKeyMax   = 65_535
	httpValueMax = 100 << 20
	jsonType     = "application/json"
	bytesType    = "application/octet-stream"
)

// ErrNotFound is what the reading methods of an HTTPClient return where there is no such key.
var ErrNotFound = errors.New("minivault: there is no such key")

// HTTPError is every other failure of an HTTPClient. Code is the node's own (UNAUTHORIZED, RATE_LIMITED,
// DISK_FULL …), or one of these:
//
//   - KEY_LENGTH, VALUE_TOO_LARGE, POOL_FULL: nothing was sent
//   - TIMEOUT, CONNECTION, PROTOCOL: no answer, or none that can be read; a write may or may not be done
type HTTPError struct {
	Code    string
	Message string
	Status  int   // the HTTP status; 0 where there was no answer
	Cause   error // what the network said; nil where it said nothing
}

func (e *HTTPError) Error() string {
	return fmt.Sprintf("minivault: %s: %s", e.Code, e.Message)
}

func (e *HTTPError) Unwrap() error { return e.Cause }

// HTTPOptions are the bounds of a client. Begin with DefaultHTTPOptions and change what you want.
type HTTPOptions struct {
	Connections    int           // at most
	Waiting        int           // calls that may wait for a connection; more fail with POOL_FULL
	ConnectTimeout time.Duration // for a connection to be made
	Timeout        time.Duration // for a whole call: waiting, connecting, sending, receiving
}

// DefaultHTTPOptions are those of NewHTTPClient.
var DefaultHTTPOptions = HTTPOptions{8, 1024, 5 * time.Second, 30 * time.Second}

// HTTPClient is a pool of connections to one node. Goroutines may share it: each call takes one connection,
// or waits for one. The authentication key goes with each request.
type HTTPClient struct {
	url     string
	key     string
	timeout time.Duration
	turns   chan struct{} // holds one entry for each call under way
	waiting chan struct{} // and one for each that waits
	client  *http.Client
}

// NewHTTPClient makes a client of the node at url, such as http://localhost:8080; a path in it goes before
// each key. An empty key means no authentication.
func NewHTTPClient(url, key string) *HTTPClient {
	return NewHTTPClientWith(url, key, DefaultHTTPOptions)
}

// NewHTTPClientWith is NewHTTPClient with other bounds.
func NewHTTPClientWith(url, key string, options HTTPOptions) *HTTPClient {
	// The transport sends a request again where a kept connection had ended, but only one that changes nothing,
	// or of which no byte was sent: a repeated write could undo what somebody else wrote in between.
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: options.ConnectTimeout}).DialContext,
		MaxConnsPerHost:     options.Connections,
		MaxIdleConnsPerHost: options.Connections,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}
	return &HTTPClient{
		url:     strings.TrimSuffix(url, "/"),
		key:     key,
		timeout: options.Timeout,
		turns:   make(chan struct{}, options.Connections),
		waiting: make(chan struct{}, options.Waiting),
		client:  &http.Client{Transport: transport, CheckRedirect: stay},
	}
}

// Set stores a value as JSON under a key of 1 to 65,535 bytes of any kind. A json.RawMessage goes as the text
// it is, so numbers keep their digits.
func (c *HTTPClient) Set(key string, value any) error {
	text, is := value.(json.RawMessage)
	if !is {
		var err error
		if text, err = json.Marshal(value); err != nil {
			return err
		}
	}
	body := make([]byte, 0, len(text)+16)
	body = append(append(append(body, `{"value":`...), text...), '}')
	return c.write(key, jsonType, body, len(text))
}

// Get returns the value as JSON text, or ErrNotFound. What was stored as bytes comes as the JSON it is, else
// as a JSON string if it is UTF-8, else as a JSON string in base64.
func (c *HTTPClient) Get(key string) (json.RawMessage, error) {
	body, err := c.read(key, jsonType)
	if err != nil {
		return nil, err
	}
	var reply struct{ Data json.RawMessage }
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, &HTTPError{Code: "PROTOCOL", Message: "the answer is not JSON", Cause: err}
	}
	return reply.Data, nil
}

// GetJSON reads a value into what into points to; ErrNotFound where there is none.
func (c *HTTPClient) GetJSON(key string, into any) error {
	text, err := c.Get(key)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

// SetJSON is Set, for those who come from BinaryClient.
func (c *HTTPClient) SetJSON(key string, value any) error { return c.Set(key, value) }

// SetBytes stores up to 100 MiB as they are.
func (c *HTTPClient) SetBytes(key string, value []byte) error {
	return c.write(key, bytesType, value, len(value))
}

// GetBytes returns the value as bytes, of what was set as JSON its text; or ErrNotFound.
func (c *HTTPClient) GetBytes(key string) ([]byte, error) {
	return c.read(key, bytesType)
}

// Delete also succeeds where nothing was there.
func (c *HTTPClient) Delete(key string) error {
	path, err := keyPath(key)
	if err == nil {
		_, err = c.call(http.MethodDelete, path, nil, nil)
	}
	return err
}

// Health is what the node says about itself: status, uptime_seconds, cache_items, cache_size_mb,
// storage_size_mb, memory_mb (MiB) and more. It needs no authentication key.
func (c *HTTPClient) Health() (health map[string]any, err error) {
	body, err := c.call(http.MethodGet, "/health", nil, nil)
	if err == nil {
		err = json.Unmarshal(body, &health)
	}
	return health, err
}

// Close ends the connections at rest. The client stays usable.
func (c *HTTPClient) Close() { c.client.CloseIdleConnections() }

func (c *HTTPClient) read(key, kind string) ([]byte, error) {
	path, err := keyPath(key)
	if err != nil {
		return nil, err
	}
	body, err := c.call(http.MethodGet, path, http.Header{"Accept": {kind}}, nil)
	var failure *HTTPError
	if errors.As(err, &failure) && failure.Status == http.StatusNotFound {
		return nil, ErrNotFound
	}
	return body, err
}

func (c *HTTPClient) write(key, kind string, body []byte, valueBytes int) error {
	if valueBytes > httpValueMax {
		return &HTTPError{Code: "VALUE_TOO_LARGE", Message: "a value has at most 100 MiB"}
	}
	path, err := keyPath(key)
	if err == nil {
		_, err = c.call(http.MethodPut, path, http.Header{"Content-Type": {kind}}, body)
	}
	return err
}

// call returns the body of a good answer; a refusal is an *HTTPError.
func (c *HTTPClient) call(method, path string, header http.Header, body []byte) ([]byte, error) {
	within, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	if err := c.takeTurn(within); err != nil {
		return nil, err
	}
	defer func() { <-c.turns }()
	request, err := http.NewRequestWithContext(within, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, httpNetworkError(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, httpNetworkError(err)
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return answer, nil
	}
	refusal := struct{ Code, Error string }{"PROTOCOL", response.Status}
	_ = json.Unmarshal(answer, &refusal) // where it is no JSON, the status says it all
	return nil, &HTTPError{Code: refusal.Code, Message: refusal.Error, Status: response.StatusCode}
}

func (c *HTTPClient) takeTurn(within context.Context) error {
	select {
	case c.turns <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.waiting <- struct{}{}:
		defer func() { <-c.waiting }()
	default:
		return &HTTPError{Code: "POOL_FULL", Message: "too many calls wait for a connection"}
	}
	select {
	case c.turns <- struct{}{}:
		return nil
	case <-within.Done():
		return &HTTPError{Code: "TIMEOUT", Message: "no connection became free in time"}
	}
}

// stay takes a redirection as the refusal it is: followed, a PUT would become a GET.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// keyPath percent-encodes every byte that is not a letter, a digit or one of -_.~, so any key fits a path.
func keyPath(key string) (string, error) {
	if len(key) < 1 || len(key) > httpKeyMax {
		return "", &HTTPError{Code: "KEY_LENGTH", Message: fmt.Sprintf("a key has 1 to %d bytes", httpKeyMax)}
	}
	if key == "health" {
		return "/%68ealth", nil // /health is the node's own
	}
	var path strings.Builder
	path.WriteByte('/')
	for _, b := range []byte(key) {
		isLetter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
		if isLetter || b >= '0' && b <= '9' || strings.IndexByte("-_.~", b) >= 0 {
			path.WriteByte(b)
		} else {
			fmt.Fprintf(&path, "%%%02X", b)
		}
	}
	return path.String(), nil
}

func httpNetworkError(err error) error {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return &HTTPError{Code: "TIMEOUT", Message: "there was no answer in time", Cause: err}
	}
	return &HTTPError{Code: "CONNECTION", Message: err.Error(), Cause: err}
}
