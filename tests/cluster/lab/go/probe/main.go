// A pod's program for tests, with no shell and no library: a web server, and a few commands to exec.
//
//	/probe                    serve on :8080 (and on every address in arguments), and say who asked
//	/probe get URL            print what a URL answers; ends with 1 when it does not within two seconds
//	/probe lookup NAME        print the addresses of a name
//	/probe write FILE TEXT    write a file
//	/probe stat FILE          print mode, owner and group, in numbers
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	words := os.Args[1:]
	if len(words) > 1 {
		commands := map[string]func([]string){"get": get, "lookup": lookup, "write": write, "stat": stat}
		if command := commands[words[0]]; command != nil {
			command(words[1:])
			return
		}
	}
	serve(words)
}

func serve(more []string) {
	host, _ := os.Hostname()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello from", host, "to", r.RemoteAddr)
	})
	for _, address := range more {
		go func() { log.Fatal(http.ListenAndServe(address, nil)) }()
	}
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func get(words []string) {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get(words[0])
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(body))
}

func lookup(words []string) {
	addresses, err := net.LookupHost(words[0])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.Join(addresses, " "))
}

func write(words []string) {
	if err := os.WriteFile(words[0], []byte(strings.Join(words[1:], " ")), 0o644); err != nil {
		log.Fatal(err)
	}
}

func stat(words []string) {
	found, err := os.Stat(words[0])
	if err != nil {
		log.Fatal(err)
	}
	owner := found.Sys().(*syscall.Stat_t)
	fmt.Printf("%04o %d %d\n", owner.Mode&0o7777, owner.Uid, owner.Gid)
}
