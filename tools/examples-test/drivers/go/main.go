// Drives the Go clients for the conformance list: a command a line on stdin, its result a line on stdout. See
// src/driver.ts for the commands.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"conformance/minivault"
)

type command struct {
	Do, Door, Address, AuthKey, Key, Text, Hex     string
	JSON                                           any
	Connections, Waiting, TimeoutMs, Size, Callers int
}

type result map[string]any

// vault is what both doors can do.
type vault interface {
	set(key, text string) error
	get(key string) (string, error)
	setText(key, text string) error
	getText(key string) (string, error)
	SetJSON(key string, value any) error
	GetJSON(key string, into any) error
	setBytes(key string, value []byte) error
	getBytes(key string) ([]byte, error)
	Delete(key string) error
	Health() (map[string]any, error)
	Close()
}

type binaryDoor struct{ *minivault.BinaryClient }

func (d binaryDoor) set(key, text string) error { return d.Set(key, []byte(text)) }
func (d binaryDoor) get(key string) (string, error) {
	value, err := d.Get(key)
	return string(value), err
}
func (d binaryDoor) setText(key, text string) error                { return d.set(key, text) }
func (d binaryDoor) getText(key string) (string, error)            { return d.get(key) }
func (d binaryDoor) setBytes(key string, value []byte) error       { return d.Set(key, value) }
func (d binaryDoor) getBytes(key string) (value []byte, err error) { return d.Get(key) }

type httpDoor struct{ *minivault.HTTPClient }

func (d httpDoor) set(key, text string) error { return d.Set(key, text) }
func (d httpDoor) get(key string) (text string, err error) {
	err = d.GetJSON(key, &text)
	return text, err
}
func (d httpDoor) setText(key, text string) error { return d.Set(key, json.RawMessage(text)) }
func (d httpDoor) getText(key string) (string, error) {
	text, err := d.Get(key)
	return string(text), err
}
func (d httpDoor) setBytes(key string, value []byte) error       { return d.SetBytes(key, value) }
func (d httpDoor) getBytes(key string) (value []byte, err error) { return d.GetBytes(key) }

func open(c command) vault {
	timeout := time.Duration(c.TimeoutMs) * time.Millisecond
	if c.Door == "binary" {
		options := minivault.DefaultBinaryOptions
		options.Connections, options.Waiting, options.Timeout = c.Connections, c.Waiting, timeout
		return binaryDoor{minivault.NewBinaryClientWith(c.Address, c.AuthKey, options)}
	}
	options := minivault.DefaultHTTPOptions
	options.Connections, options.Waiting, options.Timeout = c.Connections, c.Waiting, timeout
	return httpDoor{minivault.NewHTTPClientWith("http://"+c.Address, c.AuthKey, options)}
}

func run(v vault, c command) (result, error) {
	decoded, _ := hex.DecodeString(c.Key)
	key := string(decoded)
	switch c.Do {
	case "close":
		v.Close()
		return result{}, nil
	case "set":
		return result{}, v.set(key, c.Text)
	case "get":
		text, err := v.get(key)
		return result{"text": text}, err
	case "setJson":
		return result{}, v.SetJSON(key, c.JSON)
	case "getJson":
		var value any
		err := v.GetJSON(key, &value)
		return result{"json": value}, err
	case "setText":
		return result{}, v.setText(key, c.Text)
	case "getText":
		text, err := v.getText(key)
		return result{"text": text}, err
	case "setBytes":
		value, _ := hex.DecodeString(c.Hex)
		return result{}, v.setBytes(key, value)
	case "getBytes":
		value, err := v.getBytes(key)
		return result{"hex": hex.EncodeToString(value)}, err
	case "fill":
		return result{}, v.set(key, strings.Repeat("x", c.Size))
	case "length":
		text, err := v.get(key)
		return result{"size": len(text)}, err
	case "delete":
		return result{}, v.Delete(key)
	case "health":
		health, err := v.Health()
		return result{"json": health}, err
	case "together":
		return result{"good": together(v, c.Callers)}, nil
	case "crowd":
		return result{"codes": crowd(v, c.Callers)}, nil
	}
	return nil, errors.New("no such command: " + c.Do)
}

// atOnce runs a function in so many goroutines.
func atOnce(callers int, call func(caller int)) {
	var group sync.WaitGroup
	for caller := 0; caller < callers; caller++ {
		group.Add(1)
		go func(caller int) {
			defer group.Done()
			call(caller)
		}(caller)
	}
	group.Wait()
}

// together counts the callers that read back what they have set.
func together(v vault, callers int) int {
	good := make([]bool, callers)
	atOnce(callers, func(caller int) {
		key, value := fmt.Sprint("caller-", caller), fmt.Sprint("value-", caller)
		err := v.set(key, value)
		text, got := v.get(key)
		good[caller] = err == nil && got == nil && text == value
	})
	count := 0
	for _, is := range good {
		if is {
			count++
		}
	}
	return count
}

func crowd(v vault, callers int) []string {
	codes := make([]string, callers)
	atOnce(callers, func(caller int) {
		_, err := v.get("crowd")
		codes[caller] = codeOf(err)
	})
	sort.Strings(codes)
	return codes
}

func codeOf(err error) string {
	var overBinary *minivault.BinaryError
	var overHTTP *minivault.HTTPError
	switch {
	case err == nil:
		return "OK"
	case errors.As(err, &overBinary):
		return overBinary.Code
	case errors.As(err, &overHTTP):
		return overHTTP.Code
	}
	return err.Error()
}

func main() {
	var v vault
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := json.NewEncoder(os.Stdout)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var c command
		if err := json.Unmarshal(line, &c); err != nil {
			panic(err)
		}
		answer := result{}
		if c.Do == "open" {
			v = open(c)
		} else {
			answer, err = run(v, c)
		}
		if errors.Is(err, minivault.ErrNoValue) || errors.Is(err, minivault.ErrNotFound) {
			answer = result{"missing": true}
		} else if err != nil {
			answer = result{"error": codeOf(err)}
		}
		_ = output.Encode(answer)
	}
}
