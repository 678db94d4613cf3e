class HomeController < ApplicationController
  def show
    render plain: "hello from ruby-rails\n"
  end
end
