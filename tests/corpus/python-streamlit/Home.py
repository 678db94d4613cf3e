import streamlit as st

st.title("Greeting")
st.write("hello from python-streamlit")
