require "sinatra"

get "/" do
  "hello from ruby-sinatra"
end

get "/healthz" do
  "ok"
end
