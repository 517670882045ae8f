#!/usr/bin/env node
console.log('heddle')
