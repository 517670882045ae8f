// The programs of whole-jobs in Go, with two goroutines that work: one JSON question per line of stdin, one answer per line of stdout.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const workers = 2

type question struct {
	Job    string
	Folder string
	Path   string
	N      int
	Pairs  int
	Keys   int
}

type answer struct {
	Ms     float64 `json:"ms"`
	Answer any     `json:"answer"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var q question
		reply := map[string]any{}
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			reply["error"] = err.Error()
		} else if found, took, err := run(q); err != nil {
			reply["error"] = err.Error()
		} else {
			reply["value"] = answer{float64(took.Nanoseconds()) / 1e6, found}
		}
		if err := out.Encode(reply); err != nil {
			panic(err)
		}
	}
}

func run(q question) (any, time.Duration, error) {
	var numbers []float64
	if q.Job == "quicksort" {
		numbers = randomNumbers(q.N)
	}
	start := time.Now()
	var found any
	var err error
	switch q.Job {
	case "words":
		found, err = words(q.Folder)
	case "orders":
		found, err = orders(q.Path)
	case "queens":
		found = queens(q.N)
	case "quicksort":
		quicksort(numbers)
		found = slices.IsSorted(numbers)
	case "by-key":
		found = byKey(q.Pairs, q.Keys)
	default:
		err = fmt.Errorf("there is no job %q", q.Job)
	}
	return found, time.Since(start), err
}

// inParallel calls fn for 0, 1, … below n, on two goroutines that each take the next number.
func inParallel(n int, fn func(worker, i int)) {
	var wait sync.WaitGroup
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for worker := range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range next {
				fn(worker, i)
			}
		}()
	}
	wait.Wait()
}

func words(folder string) (any, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return nil, err
	}
	var counts [workers]map[string]int
	var failures [workers]error
	for i := range counts {
		counts[i] = map[string]int{}
	}
	inParallel(len(paths), func(worker, i int) {
		content, err := os.ReadFile(paths[i])
		if err != nil {
			failures[worker] = err
			return
		}
		for _, word := range strings.Fields(string(content)) {
			counts[worker][word]++
		}
	})
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	total := 0
	for word, count := range counts[1] {
		counts[0][word] += count
	}
	for _, count := range counts[0] {
		total += count
	}
	return []int{len(counts[0]), total}, nil
}

type group struct {
	orders int
	amount float64
}

type order struct {
	Customer int
	Country  string
	Items    []struct {
		Price float64
		Count int
	}
}

func orders(path string) (any, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	for len(content) > 0 {
		end := min(len(content), 4<<20)
		if line := bytes.IndexByte(content[end:], '\n'); line >= 0 {
			end += line + 1
		} else {
			end = len(content)
		}
		parts = append(parts, content[:end])
		content = content[end:]
	}
	var groups [workers]map[string]group
	for i := range groups {
		groups[i] = map[string]group{}
	}
	inParallel(len(parts), func(worker, i int) {
		for line := range bytes.Lines(parts[i]) {
			var o order
			if json.Unmarshal(line, &o) != nil {
				continue
			}
			amount := 0.0
			for _, item := range o.Items {
				amount += item.Price * float64(item.Count)
			}
			key := fmt.Sprint(o.Country, "/", o.Customer)
			before := groups[worker][key]
			groups[worker][key] = group{before.orders + 1, before.amount + amount}
		}
	})
	total := 0
	for key, g := range groups[1] {
		before := groups[0][key]
		groups[0][key] = group{before.orders + g.orders, before.amount + g.amount}
	}
	for _, g := range groups[0] {
		total += g.orders
	}
	return []int{len(groups[0]), total}, nil
}

func solve(n, row, columns, left, right int) int {
	if row == n {
		return 1
	}
	found := 0
	for free := (1<<n - 1) &^ (columns | left | right); free != 0; free &= free - 1 {
		queen := free & -free
		found += solve(n, row+1, columns|queen, (left|queen)<<1, (right|queen)>>1)
	}
	return found
}

func queens(n int) int {
	var found [workers]int
	inParallel(n, func(worker, i int) {
		queen := 1 << i
		found[worker] += solve(n, 1, queen, queen<<1, queen>>1)
	})
	return found[0] + found[1]
}

func randomNumbers(n int) []float64 {
	numbers := make([]float64, n)
	seed := uint64(11)
	for i := range numbers {
		seed = seed*6364136223846793005 + 1442695040888963407
		numbers[i] = float64(seed >> 32)
	}
	return numbers
}

// quicksort hands the left part to another goroutine while it sorts the right one; short ones are sorted in one go.
func quicksort(numbers []float64) {
	if len(numbers) <= 100_000 {
		slices.Sort(numbers)
		return
	}
	a, b, c := numbers[0], numbers[len(numbers)/2], numbers[len(numbers)-1]
	pivot := max(min(a, b), min(max(a, b), c))
	left, right := -1, len(numbers)
	for {
		for left++; numbers[left] < pivot; left++ {
		}
		for right--; numbers[right] > pivot; right-- {
		}
		if left >= right {
			break
		}
		numbers[left], numbers[right] = numbers[right], numbers[left]
	}
	var wait sync.WaitGroup
	wait.Add(1)
	go func() {
		defer wait.Done()
		quicksort(numbers[:right+1])
	}()
	quicksort(numbers[right+1:])
	wait.Wait()
}

func byKey(pairs, keys int) any {
	const part = 10_000
	var sums [workers]map[uint32]int
	for i := range sums {
		sums[i] = make(map[uint32]int, keys)
	}
	inParallel((pairs+part-1)/part, func(worker, at int) {
		for i := at * part; i < min(pairs, (at+1)*part); i++ {
			sums[worker][uint32(i)*2654435761%uint32(keys)] += i % 100
		}
	})
	total := 0
	for key, sum := range sums[1] {
		sums[0][key] += sum
	}
	for _, sum := range sums[0] {
		total += sum
	}
	return []int{len(sums[0]), total}
}
