# SPDX-License-Identifier: Apache-2.0
# What is above the checkpoint is done once, when the function is deployed; each request goes on
# below it.
require "/app.rb"

# The request's body, read when somebody wants it.
class Body
  def read(count = nil) = file.read(count)
  def gets = file.gets
  def each(&block) = file.each_line(&block)
  private def file = @file ||= File.open("/dev/skerry/stdin", "rb")
end

File.read("/dev/skerry/checkpoint")
Random.srand(Random.new_seed)

env = File.binread("/dev/skerry/environ").split("\0").to_h { |row| row.split("=", 2) }
env.each { |name, value| ENV[name] = value }
env.update("rack.url_scheme" => env["HTTPS"] == "on" ? "https" : "http",
           "rack.input" => Body.new, "rack.errors" => $stderr)

status, headers, body = APP.call(env)
$stdout.binmode
$stdout.write("Status: #{status}\r\n")
headers.each do |name, values|
  Array(values).flat_map { |value| value.to_s.split("\n") }
               .each { |value| $stdout.write("#{name}: #{value}\r\n") }
end
$stdout.write("\r\n")
body.each { |piece| $stdout.write(piece) }
body.close if body.respond_to?(:close)
$stdout.flush
File.read("/dev/skerry/exit") # Ruby would tear down what nobody needs again
